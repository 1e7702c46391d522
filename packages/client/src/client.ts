// `createClient`: puts the machines together. Owns the public surface; each concern has its own file.

import {
  type Channel,
  type Cursor,
  type EventInput,
  type EventSchemas,
  MillraceError,
  toMillraceError,
} from '@millrace/protocol';
import { type ConnectFrame, PROTOCOL_VERSION, type ServerFrame } from '@millrace/protocol/wire';
import { checkData, type SubscribeOptions } from './channel-codec.ts';
import { createConnection } from './connection.ts';
import { defaultEnvironment, type Environment } from './environment.ts';
import { type Link, openLink } from './link.ts';
import { checkCarriers, resolveUrl } from './options.ts';
import { postEvents } from './post-events.ts';
import { createPublisher } from './publisher.ts';
import { loadRemembered, storeRemembered } from './remembered.ts';
import { createStatusStore, projectStatus, type StatusStore } from './status.ts';
import { createSubscriptions, type Wired } from './subscriptions.ts';
import { createTokenSource, type TokenOption } from './token.ts';
import { createTokenRenewal } from './token-renewal.ts';
import { pollTransport } from './transports/poll.ts';
import { sseTransport } from './transports/sse.ts';
import type { Carrier, Transport } from './transports/transport.ts';
import { websocketTransport } from './transports/websocket.ts';

export interface ClientOptions {
  /** The hub's address: a path of the page's own server (`/realtime`), or absolute. */
  readonly url: string;
  /** A token, or the function that gets a fresh one: called once however many links want it, and again when the server refuses it. */
  readonly token?: TokenOption;
  /** Asked beat, ms, ≥ 1000. A link is dead after it and 2.5 s (above 3000: 6 s) without a byte. Default: the server's, 15–20 s. */
  readonly beatMs?: number;
  /** Which carriers may be used, best first. Default: all three, in this order. */
  readonly transports?: readonly Carrier[];
  /** Cookies on requests by fetch. Default `same-origin`. */
  readonly credentials?: RequestCredentials;
  /** Parts of the surroundings to replace: clock, network, storage. For tests and unusual hosts. */
  readonly environment?: Partial<Environment>;
  /** Failures that no promise carries: a callback that threw, an event that does not fit its contract. Default: one line to the console. */
  readonly onError?: (error: MillraceError) => void;
}

export interface Client {
  /** Opens the connection; the first `subscribe` or `publish` does it too. After `close` it opens it again. */
  connect(): void;
  /** Ends link, timers and unanswered publishes (`link/closed`). Subscriptions keep their place until they are ended. Idempotent. */
  close(): Promise<void>;
  /** A person asked for it: tries now, also after a final error; probes a link that stands. */
  retryNow(): void;
  readonly status: StatusStore;
  /** Returns the function that ends it. Subscribers of one channel share it on the wire; each has its own position. */
  subscribe<Events extends EventSchemas, State>(
    channel: Channel<Events, State>,
    options: SubscribeOptions<Events, State>,
  ): () => void;
  /**
   * The event's cursor, once the server has accepted it. Waits for a link, and survives the loss of one: a repeat
   * has the same idempotency key (`key`, default random).
   * Rejects with `contract/*` for an event that does not fit, with what the server answers, with
   * `limit/publishes` past 1,000 waiting, and with `link/closed` after `close`.
   */
  publish<Events extends EventSchemas, State>(
    channel: Channel<Events, State>,
    event: EventInput<Events>,
    options?: { readonly key?: string },
  ): Promise<Cursor>;
  [Symbol.asyncDispose](): Promise<void>;
}

const TRANSPORTS: Readonly<Record<Carrier, Transport>> = {
  websocket: websocketTransport,
  sse: sseTransport,
  poll: pollTransport,
};

/**
 * A connection to a hub that looks after itself: it opens with the first subscription, survives every change of
 * network and carrier, and gives each subscriber every event once and in order, or tells it what is missing.
 *
 * ```ts
 * const client = createClient({ url: '/realtime' });
 * const stop = client.subscribe(agentMessages.of(), { onEvent: ({ data }) => show(data) });
 * ```
 * @throws MillraceError `settings/invalid` when `url` is relative outside a page, or there are no transports
 */
export function createClient(options: ClientOptions): Client {
  const environment: Environment = { ...defaultEnvironment(), ...options.environment };
  const url = resolveUrl(options.url, environment.baseUrl);
  const carriers = checkCarriers(options.transports);
  const { credentials = 'same-origin', beatMs } = options;
  const session = environment.randomId();
  const tokens = createTokenSource(options.token);
  let isActive = true;
  let syncedLink = 0;
  let isSyncPlanned = false;
  let stopWatching: (() => void) | null = null;

  const report = (thrown: unknown): void => {
    (options.onError ?? environment.report)(toMillraceError(thrown));
  };
  const call = (callback: () => unknown): void => {
    try {
      const result = callback();
      if (result instanceof Promise) result.catch(report);
    } catch (error) {
      report(error);
    }
  };

  const status = createStatusStore(call);
  const subscriptions = createSubscriptions({
    isActive: () => isActive,
    call,
    later: (callback) => queueMicrotask(() => connection.run(callback)),
    changed: planSync,
  });
  const publisher = createPublisher({
    now: environment.now,
    setTimer: environment.setTimer,
    link: () => connection.link(),
    post: (items) => postEvents({ url, credentials, host: environment }, items, tokens),
  });
  const renewal = createTokenRenewal({ environment, tokens, report, renewed });
  const connection = createConnection({
    config: { carriers, canReauthenticate: tokens.canRefresh },
    environment,
    remembered: loadRemembered(environment, url),
    openLink: (ref, events) =>
      openLink(
        {
          ref,
          transport: TRANSPORTS[ref.carrier],
          environment,
          url,
          credentials,
          beatMs,
          getToken: tokens.get,
          connectFrame,
        },
        events,
      ),
    frame: readFrame,
    helloAt: renewal.schedule,
    remember: (remembered) => storeRemembered(environment, url, remembered),
    forgetToken: tokens.forget,
    changed(state, link, latencyMs) {
      if (link !== null && link.ref.number !== syncedLink) {
        syncedLink = link.ref.number;
        planSync();
        publisher.flush();
      }
      if (state.state.name === 'closed' && state.state.error !== null) {
        publisher.abandon(state.state.error);
      }
      status.set(projectStatus(state, latencyMs));
    },
  });

  function connectFrame(link: number, token: string | null, wired: Wired): ConnectFrame {
    return {
      type: 'connect',
      protocol: PROTOCOL_VERSION,
      session,
      link,
      ...(token === null ? {} : { token }),
      ...(beatMs === undefined ? {} : { beatMs }),
      channels: subscriptions.items(wired),
    };
  }

  function readFrame(frame: ServerFrame, link: Link): void {
    switch (frame.type) {
      case 'verdict':
        return subscriptions.verdict(frame.channel, frame, link.wired);
      case 'events':
        return subscriptions.events(frame.channel, frame.events);
      case 'end':
        return subscriptions.end(frame.channel, frame.cursor);
      case 'published':
        return publisher.settle(frame.id, frame.results[0]);
      case 'error':
        return publisher.settle(frame.id ?? 0, frame);
      case 'hello':
      case 'beat':
      case 'goaway':
        return undefined;
    }
  }

  /** Tells the link what changed, once for all that changes now. */
  function planSync(): void {
    if (isSyncPlanned) return;
    isSyncPlanned = true;
    queueMicrotask(() => {
      isSyncPlanned = false;
      const link = connection.link();
      if (link === null || !subscriptions.hasChanges(link.wired)) return;
      if (!link.isDuplex) {
        connection.feed({ type: 'renew' });
        return;
      }
      const { subscribe, unsubscribe } = subscriptions.changes(link.wired);
      if (unsubscribe.length > 0) link.send({ type: 'unsubscribe', channels: unsubscribe });
      if (subscribe.length > 0) link.send({ type: 'subscribe', channels: subscribe });
    });
  }

  function renewed(token: string): void {
    const link = connection.link();
    if (link?.isDuplex) link.send({ type: 'token', token });
    else if (link !== null) connection.feed({ type: 'renew' });
  }

  function start(): void {
    isActive = true;
    stopWatching ??= environment.watchPage((type) => connection.feed({ type }));
    connection.feed({ type: environment.isOnline() ? 'online' : 'offline' });
    connection.feed({ type: 'start' });
  }

  function startIfIdle(): void {
    if (status.getSnapshot().status === 'idle') start();
  }

  function close(): Promise<void> {
    // At once, also from inside a callback: what is still queued is not delivered, and comes again after `connect`.
    isActive = false;
    stopWatching?.();
    stopWatching = null;
    renewal.stop();
    connection.feed({ type: 'stop' });
    publisher.abandon(closedError());
    return Promise.resolve();
  }

  return {
    connect() {
      const { status: name } = status.getSnapshot();
      // Inside a callback the connection is still to hear of a `close` before.
      if (!isActive || name === 'idle' || name === 'closed') start();
    },
    close,
    retryNow() {
      if (!isActive || status.getSnapshot().status === 'closed') start();
      else connection.feed({ type: 'retry' });
    },
    status,
    subscribe(channel, subscribeOptions) {
      const end = subscriptions.add(channel, subscribeOptions);
      startIfIdle();
      return end;
    },
    async publish(channel, { type, data, id }, { key = environment.randomId() } = {}) {
      checkEvent(channel, type, data);
      startIfIdle();
      const now = status.getSnapshot();
      if (!isActive) throw closedError();
      if (now.status === 'closed' && now.error !== null) throw now.error;
      const event = { type, data, ...(id === undefined ? {} : { id }) };
      return publisher.publish({ channel: channel.name, event, key });
    },
    [Symbol.asyncDispose]: close,
  };
}

function closedError(): MillraceError {
  return new MillraceError('link/closed', 'The client is closed. Call `connect()`.');
}

function checkEvent<Events extends EventSchemas, State>(
  { name, contract }: Channel<Events, State>,
  type: string,
  data: unknown,
): void {
  if (checkData(contract, type, data) === null) {
    throw new MillraceError('contract/unknown-event', `"${name}" has no event "${type}".`);
  }
}

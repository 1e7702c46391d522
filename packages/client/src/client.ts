// `createClient`: puts the machines together. Owns the public surface; each concern has its own file.

import { encodeCursor, MillraceError, toMillraceError } from '@millrace/protocol';
import { type ConnectFrame, PROTOCOL_VERSION } from '@millrace/protocol/wire';
import { checkData } from './channel-codec.ts';
import type { Client, ClientOptions } from './client-types.ts';
import { type ChannelFrame, createConnection } from './connection.ts';
import { defaultEnvironment, type Environment } from './environment.ts';
import type { Extension } from './extension.ts';
import { type Link, openLink } from './link.ts';
import { checkCarriers, resolveUrl } from './options.ts';
import { postEvents } from './post-events.ts';
import { createPublisher } from './publisher.ts';
import { loadRemembered, storeRemembered } from './remembered.ts';
import { createStatusStore, projectStatus } from './status.ts';
import { createSubscriptions, type Wired } from './subscriptions.ts';
import { createTokenSource } from './token.ts';
import { createTokenRenewal } from './token-renewal.ts';
import { pollTransport } from './transports/poll.ts';
import { sseTransport } from './transports/sse.ts';
import type { Carrier, Transport } from './transports/transport.ts';
import { websocketTransport } from './transports/websocket.ts';

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
  const request = { url, credentials, host: environment };
  const session = environment.randomId();
  const tokens = createTokenSource(options.token);
  let isActive = true;
  let syncedLink = 0;
  let isSyncPlanned = false;
  let stopWatching: (() => void) | null = null;
  let extension: Extension | undefined;

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

  const shared = { environment, request, session, tokens, report, call };
  const status = createStatusStore(call);
  const subscriptions = createSubscriptions({
    ...shared,
    isActive: () => isActive,
    later: (callback) => queueMicrotask(() => connection.run(callback)),
    changed: planSync,
  });
  const publisher = createPublisher({
    ...shared,
    link: () => connection.link(),
    post: (items) => postEvents(request, items, tokens),
  });
  const renewal = createTokenRenewal({ ...shared, renewed });
  const connection = createConnection({
    ...shared,
    config: { carriers, canReauthenticate: tokens.canRefresh },
    remembered: loadRemembered(environment, url),
    openLink: (ref, events) =>
      openLink(
        { ...shared, ref, transport: TRANSPORTS[ref.carrier], beatMs, connectFrame },
        events,
      ),
    frame: readFrame,
    helloAt: renewal.schedule,
    remember: (remembered) => storeRemembered(environment, url, remembered),
    forgetToken: tokens.forget,
    changed(state, link) {
      if (link !== null && link.ref.number !== syncedLink) {
        syncedLink = link.ref.number;
        planSync();
        publisher.flush();
        extension?.opened();
      }
      const now = projectStatus(state, carriers, link?.latencyMs() ?? null);
      if (now.status === 'closed' && now.error !== null) publisher.abandon(now.error);
      status.set(now);
    },
  });

  function connectFrame(link: number, token: string | null, wired: Wired): ConnectFrame {
    return {
      type: 'connect',
      protocol: PROTOCOL_VERSION,
      session,
      link,
      token: token ?? undefined,
      beatMs,
      channels: subscriptions.items(wired),
      ...extension?.connect(link),
    };
  }

  function readFrame(frame: ChannelFrame, link: Link): void {
    switch (frame.type) {
      case 'verdict':
        return subscriptions.verdict(frame.channel, frame, link.wired);
      case 'events':
        return subscriptions.events(frame.channel, frame.events, link.wired);
      case 'end':
        return subscriptions.end(frame.channel, frame.cursor);
      case 'published':
        return publisher.settle(frame.id, frame.results[0]);
      case 'error':
        return publisher.settle(frame.id ?? 0, frame);
      case 'other':
        return extension?.frame(frame.frame);
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
      if (!link.isDuplex) return connection.feed({ type: 'renew' });
      const { subscribe, unsubscribe } = subscriptions.changes(link.wired);
      if (unsubscribe.length > 0) link.send({ type: 'unsubscribe', channels: unsubscribe });
      if (subscribe.length > 0) link.send({ type: 'subscribe', channels: subscribe });
    });
  }

  function renewed(token: string): void {
    const link = connection.link();
    if (link?.isDuplex) link.send({ type: 'token', token });
    else connection.feed({ type: 'renew' });
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

  /** Inside a callback the connection is still to hear of a `close` before. */
  function isClosed(): boolean {
    return !isActive || status.getSnapshot().status === 'closed';
  }

  async function close(): Promise<void> {
    // At once, also from inside a callback: what is still queued is not delivered, and comes again after `connect`.
    isActive = false;
    stopWatching?.();
    stopWatching = null;
    renewal.stop();
    extension?.closing();
    connection.feed({ type: 'stop' });
    publisher.abandon(closedError());
  }

  return {
    connect() {
      if (isClosed()) start();
      else startIfIdle();
    },
    close,
    retryNow() {
      if (isClosed()) start();
      else connection.feed({ type: 'retry' });
    },
    status,
    subscribe(channel, subscribeOptions) {
      const end = subscriptions.add(channel, subscribeOptions);
      startIfIdle();
      return end;
    },
    async publish(
      { name, contract },
      { type, data, id },
      { key = environment.randomId(), expect } = {},
    ) {
      if (checkData(contract, type, data) === null) {
        throw new MillraceError('contract/unknown-event', `"${name}" has no event "${type}".`);
      }
      startIfIdle();
      const now = status.getSnapshot();
      if (isClosed()) throw (now.status === 'closed' && now.error) || closedError();
      return publisher.publish({
        channel: name,
        event: { type, data, id },
        key,
        expect: expect && (expect === 'empty' ? expect : encodeCursor(expect)),
      });
    },
    extend(added) {
      extension = added;
      return { ...shared, ...connection };
    },
    [Symbol.asyncDispose]: close,
  };
}

function closedError(): MillraceError {
  return new MillraceError('link/closed', 'The client is closed. Call `connect()`.');
}

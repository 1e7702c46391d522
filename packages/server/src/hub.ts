// `createHub`: the core and its HTTP face, and what a program calls. Owns no behaviour of its own.

import type {
  Channel,
  Cursor,
  EventInput,
  EventOf,
  EventSchemas,
  PublishResult,
} from '@millrace/protocol';
import { DEFAULT_BEAT_MS } from '@millrace/protocol/wire';
import { readHistory } from './history.ts';
import { createHttpFace } from './http/http-face.ts';
import { createHubCore } from './hub-core.ts';
import type {
  FollowedFrame,
  FollowOptions,
  Hub,
  HubOptions,
  InTransaction,
  NoTransaction,
  PublishManyItem,
} from './hub-types.ts';
import { shuttingDown } from './links.ts';
import { type PublishConditions, type PublishRequest, unknownChannel } from './prepare-event.ts';
import { encodeEphemeralData } from './presence/live-data.ts';
import type { WriteResult } from './publish-in-transaction.ts';

/**
 * Makes a hub. It listens nowhere by itself: give it the requests of your server.
 *
 * ```ts
 * const hub = createHub({ contracts: [agentMessages], authorize: () => true });
 * const server = createServer(async (req, res) => {
 *   if (!(await hub.handle(req, res))) res.writeHead(404).end();
 * });
 * server.on('upgrade', (req, socket, head) => hub.upgrade(req, socket, head) || socket.destroy());
 * ```
 * @throws MillraceError `contract/invalid` for two contracts of one type, `settings/invalid` for an origin that is none,
 * or a `leaveAfterMs` that is no time
 */
export function createHub(options: HubOptions): Hub {
  const core = createHubCore(options);
  const { contracts, followers, inTransaction, limits, live, log, publisher, topics } = core;
  const face = createHttpFace({
    ...core,
    path: options.path ?? '/realtime',
    origins: options.origins ?? [],
    beatMs: { ...DEFAULT_BEAT_MS, ...options.beatMs },
    directWrites: options.directWrites ?? true,
  });
  let closing: Promise<void> | null = null;
  let isClosed = false;

  async function close(graceMs: number): Promise<void> {
    face.shutDown();
    await core.sendAway(graceMs);
    // Until here the program may publish: the links that are left still hear it.
    isClosed = true;
    await core.close();
    face.close();
  }

  function checkOpen(): void {
    if (isClosed) throw shuttingDown();
  }

  /** @throws MillraceError `channel/unknown`, `server/shutdown` */
  function check({ name }: PublishManyItem['channel']): void {
    checkOpen();
    if (contracts.find(name) === null) throw unknownChannel(name);
  }

  function publish<Events extends EventSchemas, State>(
    channel: Channel<Events, State>,
    event: EventInput<NoInfer<Events>>,
    options?: PublishConditions & NoTransaction,
  ): Promise<Cursor>;
  function publish<Events extends EventSchemas, State>(
    channel: Channel<Events, State>,
    event: EventInput<NoInfer<Events>>,
    options: PublishConditions & InTransaction,
  ): Promise<string>;
  async function publish(
    channel: PublishManyItem['channel'],
    event: PublishManyItem['event'],
    { tx, ...conditions }: PublishConditions & (NoTransaction | InTransaction) = {},
  ): Promise<Cursor | string> {
    checkOpen();
    const items = [toRequest({ channel, event, ...conditions })];
    const results = tx === undefined ? publisher.publish(items) : inTransaction.publish(tx, items);
    const [result] = await results;
    if (result === undefined) throw new RangeError('A publish without a result');
    if ('error' in result) throw result.error;
    return 'id' in result ? result.id : result.cursor;
  }

  function publishMany(
    items: readonly PublishManyItem[],
    options?: NoTransaction,
  ): Promise<readonly PublishResult[]>;
  function publishMany(
    items: readonly PublishManyItem[],
    options: InTransaction,
  ): Promise<readonly WriteResult[]>;
  async function publishMany(
    items: readonly PublishManyItem[],
    { tx }: NoTransaction | InTransaction = {},
  ): Promise<readonly (PublishResult | WriteResult)[]> {
    checkOpen();
    const requests = items.map(toRequest);
    return tx === undefined ? publisher.publish(requests) : inTransaction.publish(tx, requests);
  }

  function end<Events extends EventSchemas, State>(
    channel: Channel<Events, State>,
    options?: NoTransaction,
  ): Promise<Cursor>;
  function end<Events extends EventSchemas, State>(
    channel: Channel<Events, State>,
    options: InTransaction,
  ): Promise<void>;
  async function end(
    channel: PublishManyItem['channel'],
    { tx }: NoTransaction | InTransaction = {},
  ): Promise<Cursor | void> {
    check(channel);
    const { name } = channel;
    if (tx !== undefined) return inTransaction.end(tx, name);
    const cursor = await publisher.end(name);
    topics.find(name)?.refresh();
    return cursor;
  }

  return {
    publish,
    publishMany,
    end,
    async forget(channel, { tx } = {}) {
      check(channel);
      const { name } = channel;
      if (tx !== undefined) return inTransaction.forget(tx, name);
      await log.forget(name);
      topics.find(name)?.refresh();
    },
    async relayed({ withinMs = 10_000 } = {}) {
      await core.outbox?.relayed(withinMs);
    },
    async history(channel, historyOptions = {}) {
      if (contracts.find(channel.name) === null) throw unknownChannel(channel.name);
      return readHistory(log, limits, channel, historyOptions);
    },
    follow<Events extends EventSchemas, State>(
      { name, contract }: Channel<Events, State>,
      { start = 'now', signal }: FollowOptions = {},
    ) {
      checkOpen();
      const { version } = contract;
      // The contract's own events: what is in the log was checked by its schemas.
      return followers.follow({ name, version }, start, signal) as AsyncIterable<
        FollowedFrame<EventOf<Events>>
      >;
    },
    async members({ name }) {
      checkOpen();
      const known = contracts.find(name);
      if (known === null) throw unknownChannel(name);
      return live.presence.members({ name, leaveAfterMs: live.leaveAfterMs(known.contract) });
    },
    send({ name }, event, { from } = {}) {
      checkOpen();
      const known = contracts.find(name);
      if (known === null) throw unknownChannel(name);
      const data = encodeEphemeralData(known.contract, event, limits.maxEphemeralBytes);
      // A session of its own for each name: of two agents both typing one does not replace the other.
      const sender = from === undefined ? null : { id: from, session: `server:${from}` };
      live.ephemeral.send(name, sender, event.type, data);
    },
    stream: face.stream,
    openEventStream(res, streamOptions = {}) {
      checkOpen();
      return face.openEventStream(res, streamOptions);
    },
    handle: face.handle,
    upgrade: face.upgrade,
    stats: core.stats,
    close({ graceMs = 0 } = {}) {
      closing ??= close(graceMs);
      return closing;
    },
  };
}

/** Named one by one: this is done for each event that is published. */
function toRequest({ channel, event, key, producer, expect }: PublishManyItem): PublishRequest {
  const { name, contract } = channel;
  return { channel: name, contract, event, key, producer, expect };
}

// `createHub`: the core and its HTTP face, and what a program calls. Owns no behaviour of its own.

import { DEFAULT_BEAT_MS } from '@millrace/protocol/wire';
import { readHistory } from './history.ts';
import { createHttpFace } from './http/http-face.ts';
import { createHubCore } from './hub-core.ts';
import type { Hub, HubOptions, PublishManyItem } from './hub-types.ts';
import { shuttingDown } from './links.ts';
import { encodeEphemeralData } from './presence/live-data.ts';
import { type PublishRequest, unknownChannel } from './publisher.ts';

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
  const { contracts, limits, live, log, publisher, topics } = core;
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

  return {
    async publish(channel, event, { tx, ...conditions } = {}) {
      checkOpen();
      const request = toRequest({ channel, event, ...conditions });
      const [result] = await publisher.publish([request], { tx });
      if (result === undefined) throw new RangeError('A publish without a result');
      if ('error' in result) throw result.error;
      return result.cursor;
    },
    async publishMany(items, { tx } = {}) {
      checkOpen();
      return publisher.publish(items.map(toRequest), { tx });
    },
    async end({ name }, { tx } = {}) {
      checkOpen();
      if (contracts.find(name) === null) throw unknownChannel(name);
      const cursor = await publisher.end(name, { tx });
      topics.find(name)?.refresh();
      return cursor;
    },
    async forget({ name }, { tx } = {}) {
      checkOpen();
      if (contracts.find(name) === null) throw unknownChannel(name);
      await log.forget(name, tx === undefined ? {} : { tx });
      topics.find(name)?.refresh();
    },
    async history(channel, historyOptions = {}) {
      if (contracts.find(channel.name) === null) throw unknownChannel(channel.name);
      return readHistory(log, limits, channel, historyOptions);
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

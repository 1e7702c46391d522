// `createHub`: puts the parts together and ends them in order. Owns no behaviour of its own.

import { DEFAULT_BEAT_MS, DEFAULT_LIMITS, type Limits, MillraceError } from '@millrace/protocol';
import { createClientPublish } from './client-publish.ts';
import { createContractSet } from './contract-set.ts';
import { memoryEngine } from './engines/memory/memory-engine.ts';
import { readHistory } from './history.ts';
import { createHttpFace } from './http/http-face.ts';
import type { Hub, HubOptions, HubStats } from './hub-types.ts';
import { createGate } from './identity.ts';
import { createLinkCounts } from './link-counts.ts';
import { createLinks, shuttingDown } from './links.ts';
import { controlFrame } from './outbound-frame.ts';
import { createPublishRate } from './publish-rate.ts';
import { createPublisher, unknownChannel } from './publisher.ts';
import { createRetention } from './retention.ts';
import type { OutboundFrame } from './seams/link.ts';
import { createSessions } from './sessions.ts';
import { createStats } from './stats.ts';
import { createTopics } from './topics.ts';
import { createWheel } from './wheel.ts';

/** How long a closing hub waits for the last bytes of its links, ms. */
const FLUSH_MS = 2_000;

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
 * @throws MillraceError `contract/invalid` for two contracts of one type, `settings/invalid` for an origin that is none
 */
export function createHub(options: HubOptions): Hub {
  const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits };
  const onError = options.onError ?? logError;
  const contracts = createContractSet(options.contracts);
  const ownEngine = options.engine === undefined ? memoryEngine() : null;
  const engine = options.engine ?? ownEngine ?? memoryEngine();
  const { log } = engine;
  const timers = createWheel({ onError });
  const stats = createStats(timers);
  const { onDelivered, onRefused } = stats;
  const topics = createTopics({ log, limits, timers, onError, onDelivered });
  const retention = createRetention({ log, contracts, topics, timers, onError });
  const publisher = createPublisher({
    log,
    contracts,
    limits,
    onAppended(channel, { epoch, offset }) {
      stats.onPublished(1);
      retention.grew(channel, 1);
      // The engine's hint may be late, or never come: for what this hub appended it is not needed.
      topics.hinted({ channel, epoch, head: offset, isEnded: false, entries: [] });
    },
  });
  const gate = createGate({
    authenticate: options.authenticate,
    authorize: options.authorize,
    onError,
  });
  const clientPublish = createClientPublish({
    contracts,
    gate,
    limits,
    publisher,
    rate: createPublishRate(limits.maxPublishesPerSecond, timers),
    onRefused,
  });
  const links = createLinks({
    limits,
    timers,
    contracts,
    topics,
    gate,
    clientPublish,
    sessions: createSessions(),
    identityCounts: createLinkCounts(limits.maxLinksPerIdentity, 'identity'),
    beatFrame: createBeatFrame(),
    onDelivered,
    onRefused,
    onError,
  });
  const face = createHttpFace({
    path: options.path ?? '/realtime',
    origins: options.origins ?? [],
    beatMs: { ...DEFAULT_BEAT_MS, ...options.beatMs },
    limits,
    timers,
    contracts,
    gate,
    clientPublish,
    links,
    onRefused,
    onError,
  });
  const unwatch = log.watch(topics.hinted);
  let closing: Promise<void> | null = null;

  async function close(graceMs: number): Promise<void> {
    face.shutDown();
    links.sendAway(graceMs);
    if (graceMs > 0) await links.gone(graceMs);
    await publisher.idle();
    links.closeAll(shuttingDown());
    await links.gone(FLUSH_MS);
    face.close();
    await retention.stop();
    unwatch();
    topics.close();
    timers.close();
    await ownEngine?.close();
  }

  function checkOpen(): void {
    if (closing !== null) throw shuttingDown();
  }

  return {
    async publish(channel, event, { key, tx } = {}) {
      checkOpen();
      const item = { channel: channel.name, event, ...(key === undefined ? {} : { key }) };
      const [result] = await publisher.publish([item], { tx });
      if (result === undefined) throw new RangeError('A publish without a result');
      if ('error' in result) throw result.error;
      return result.cursor;
    },
    async publishMany(items, { tx } = {}) {
      checkOpen();
      return publisher.publish(
        items.map((item) => ({ ...item, channel: item.channel.name })),
        { tx },
      );
    },
    async end({ name }, { tx } = {}) {
      checkOpen();
      if (contracts.find(name) === null) throw unknownChannel(name);
      const cursor = await publisher.end(name, { tx });
      topics.find(name)?.refresh();
      return cursor;
    },
    async history(channel, historyOptions = {}) {
      if (contracts.find(channel.name) === null) throw unknownChannel(channel.name);
      return readHistory(log, limits, channel, historyOptions);
    },
    stream: face.stream,
    handle: face.handle,
    upgrade: face.upgrade,
    stats: () => collectStats(),
    close({ graceMs = 0 } = {}) {
      closing ??= close(graceMs);
      return closing;
    },
  };

  function collectStats(): HubStats {
    const byTransport: Record<string, number> = {};
    let subscriptions = 0;
    let queueBytes = 0;
    for (const attachment of links.open) {
      const { link } = attachment;
      byTransport[link.transport] = (byTransport[link.transport] ?? 0) + 1;
      subscriptions += attachment.subscriptions;
      queueBytes += link.bufferedBytes();
    }
    return {
      links: byTransport,
      subscriptions,
      channelsLoaded: topics.count,
      published: { total: stats.published.total, perSecond: stats.published.perSecond },
      delivered: { total: stats.delivered.total, perSecond: stats.delivered.perSecond },
      queueBytes,
      publishQueue: publisher.waiting,
      refused: { ...stats.refused },
    };
  }
}

/** One beat for all links that beat in the same millisecond. */
function createBeatFrame(): () => OutboundFrame {
  let at = 0;
  let frame: OutboundFrame | null = null;
  return () => {
    const now = Date.now();
    if (frame === null || now !== at) {
      at = now;
      frame = controlFrame({ type: 'beat', at });
    }
    return frame;
  };
}

function logError(error: MillraceError): void {
  // oxlint-disable-next-line no-console -- the default sink of background failures; pass `onError` for another
  console.error(`millrace: ${error.code}: ${error.message}`, error.cause ?? '');
}

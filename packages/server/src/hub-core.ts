// The hub without its HTTP face: everything between a link and the log, put together. Owns no behaviour of its own.
// Apart from hub.ts so that a link can be attached without a socket.

import {
  DEFAULT_LIMITS,
  type Limits,
  type MillraceError,
  toMillraceError,
} from '@millrace/protocol';
import { type Admission, createAdmission } from './admission.ts';
import { createBeats } from './beats.ts';
import { type ClientPublish, createClientPublish } from './client-publish.ts';
import { type ContractSet, createContractSet } from './contract-set.ts';
import { memoryEngine } from './engines/memory/memory-engine.ts';
import { createErrorSink } from './error-sink.ts';
import { createFollowers, type Followers } from './follow.ts';
import type { HubOptions, HubStats } from './hub-types.ts';
import { createGate, type Gate } from './identity.ts';
import { createLinkCounts } from './link-counts.ts';
import { createLinks, type Links, shuttingDown } from './links.ts';
import { createLoopDelay } from './loop-delay.ts';
import { controlFrame } from './outbound-frame.ts';
import { createOutbox, type Outbox } from './outbox/outbox.ts';
import { createLive, type Live } from './presence/live.ts';
import { createTransactionPublisher, type TransactionPublisher } from './publish-in-transaction.ts';
import { createPublishRate } from './publish-rate.ts';
import { createPublisher, type Publisher } from './publisher.ts';
import { watchQueueBudget } from './queue-budget.ts';
import { createRetention, type Retention } from './retention.ts';
import type { OutboundFrame } from './seams/link.ts';
import type { Log } from './seams/log.ts';
import type { Timers } from './seams/timers.ts';
import { createSessions } from './sessions.ts';
import { createStats } from './stats.ts';
import { createTick } from './tick.ts';
import { createTopics, type Topics } from './topics.ts';
import { createWheel } from './wheel.ts';

/** How long a closing hub waits for the last bytes of its links, ms. */
const FLUSH_MS = 2_000;
/** How long it waits for the engine to answer what was published, and a compaction, ms. */
const ENGINE_MS = 10_000;
/** How long it waits until the others have been told that it goes, ms. */
const FAREWELL_MS = 1_000;
/** How long a session that merely broke off stays present, ms. */
const LEAVE_AFTER_MS = 5_000;

export interface HubCore {
  readonly limits: Limits;
  readonly timers: Timers;
  readonly contracts: ContractSet;
  readonly gate: Gate;
  readonly clientPublish: ClientPublish;
  readonly publisher: Publisher;
  readonly inTransaction: TransactionPublisher;
  readonly outbox: Outbox | null;
  readonly topics: Topics;
  readonly links: Links;
  readonly followers: Followers;
  readonly live: Live;
  /** Asked for each link that begins, before anything is known of it. */
  readonly admission: Admission;
  readonly log: Log;
  readonly onRefused: (error: MillraceError) => void;
  readonly onError: (error: MillraceError) => void;
  stats(): HubStats;
  /** Tells the links when to come back elsewhere, and waits until they are gone, `graceMs` at most. */
  sendAway(graceMs: number): Promise<void>;
  /** Waits for what is being published, closes what is left. */
  close(): Promise<void>;
}

export type HubCoreOptions = Pick<
  HubOptions,
  | 'contracts'
  | 'engine'
  | 'outbox'
  | 'authenticate'
  | 'authorize'
  | 'leaveAfterMs'
  | 'limits'
  | 'onError'
  | 'onLink'
>;

export function createHubCore(options: HubCoreOptions): HubCore {
  const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits };
  const onError = createErrorSink(options.onError);
  const contracts = createContractSet(options.contracts);
  const engine = options.engine ?? memoryEngine();
  const { log, capabilities } = engine;
  const isLocal = capabilities.isLocal === true;
  const timers = createWheel({ onError });
  const stats = createStats(timers);
  const { onDelivered, onRefused } = stats;
  const admission = createAdmission({
    limits,
    loop: createLoopDelay(timers),
    onRefused: () => stats.onPressure('notAdmitted'),
  });
  const tick = createTick(onError);
  const topics = createTopics({
    log,
    isLocal,
    limits,
    timers,
    tick,
    onError,
    onDelivered,
    onPressure: stats.onPressure,
    onLoaded: (channel, kept) => retention.found(channel, kept),
  });
  const retention: Retention = createRetention({ log, contracts, topics, timers, onError });
  const publisher = createPublisher({
    log,
    contracts,
    limits,
    onAppended(channel, { epoch, offset }) {
      stats.onPublished(1);
      retention.grew(channel, 1);
      // The engine's hint may be late, or never come: for what this hub appended it is not needed.
      if (!isLocal) {
        topics.find(channel)?.hinted({ epoch, head: offset, isEnded: false, entries: [] });
      }
    },
  });
  const outbox = openOutbox();
  const inTransaction = createTransactionPublisher({ contracts, limits, outbox });
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
  const live = createLive({
    engine,
    contracts,
    gate,
    limits,
    timers,
    leaveAfterMs: options.leaveAfterMs ?? LEAVE_AFTER_MS,
    onRefused,
    onError,
  });
  const links = createLinks({
    live,
    limits,
    timers,
    tick,
    contracts,
    topics,
    gate,
    clientPublish,
    beats: createBeats({ limits, timers }),
    sessions: createSessions(),
    identityCounts: createLinkCounts(limits.maxLinksPerIdentity, 'identity'),
    beatFrame: createBeatFrame(),
    onDelivered,
    onPressure: stats.onPressure,
    onRefused,
    onError,
    onLink(news) {
      try {
        options.onLink?.(news);
      } catch (thrown) {
        onError(toMillraceError(thrown));
      }
    },
  });
  const followers = createFollowers({
    ...{ limits, timers, tick, contracts, topics, gate, onDelivered, onRefused },
    onPressure: stats.onPressure,
  });
  watchQueueBudget({
    maxBytes: limits.maxQueueBytesTotal,
    links: links.open,
    timers,
    onClosed: () => stats.onPressure('closedByBudget'),
  });

  function openOutbox(): Outbox | null {
    const database = options.outbox === undefined ? engine.database : options.outbox?.database;
    if (database === undefined) return null;
    return createOutbox({
      ...{ database, log, limits, onError },
      append: publisher.append,
      onChanged: (channel) => topics.find(channel)?.refresh(),
    });
  }

  function collectStats(): HubStats {
    const byTransport: Record<string, number> = {};
    let subscriptions = followers.count;
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
      outbox: outbox?.stats() ?? null,
      refused: { ...stats.refused },
      pressure: { ...stats.pressure },
      presence: live.presence.counts,
    };
  }

  return {
    limits,
    timers,
    contracts,
    gate,
    clientPublish,
    publisher,
    inTransaction,
    outbox,
    topics,
    links,
    followers,
    live,
    admission,
    log,
    onRefused,
    onError,
    stats: collectStats,
    async sendAway(graceMs) {
      links.sendAway(graceMs);
      if (graceMs > 0) await links.gone(graceMs);
    },
    async close() {
      // An engine out of reach must not keep the process: what it has not answered was not accepted.
      await withinMs(Promise.all([publisher.idle(), retention.stop(), outbox?.close()]), ENGINE_MS);
      links.closeAll(shuttingDown());
      followers.close();
      await links.gone(FLUSH_MS);
      await withinMs(live.close(), FAREWELL_MS);
      topics.close();
      timers.close();
      // One that was passed in is its owner's to close.
      if (options.engine === undefined) await engine.close();
    },
  };
}

async function withinMs(done: Promise<unknown>, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([done, promise]);
  clearTimeout(timer);
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

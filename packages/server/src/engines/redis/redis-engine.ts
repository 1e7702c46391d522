// The engine on Redis 7: many nodes share a server, a master with replicas behind Sentinel, or a cluster.
// Puts the parts together; owns no behaviour of its own. Rules: LOG-1 … LOG-8, LOG-10 … LOG-16, BUS-1, REDIS-1 … REDIS-5.

import { Buffer } from 'node:buffer';
import { MillraceError } from '@millrace/protocol';
import type { Engine } from '../../seams/engine.ts';
import { isClusterClient, type RedisClient, type RedisClusterClient } from './client.ts';
import { createClusterConnection, duplicateCluster } from './cluster-connection.ts';
import type { Connection } from './connection.ts';
import { refused, unavailable } from './failure.ts';
import { createKeys } from './keys.ts';
import { messageStart, parseMessage, startsWith } from './message.ts';
import type { Patience } from './patience.ts';
import { createRedisBus } from './redis-bus.ts';
import { createRedisLog } from './redis-log.ts';
import { createServerConnection } from './server-connection.ts';
import { createShardSubscriptions } from './shard-subscriptions.ts';
import {
  createServerSubscriptions,
  type SubscriptionEvents,
  type Subscriptions,
} from './subscriptions.ts';

export interface RedisEngineOptions {
  /**
   * An ioredis `Redis` (one server, or Sentinel) or `Cluster`. Stays the user's: the engine takes its address, password
   * and TLS for connections of its own, one for commands and one to listen (on a cluster, for each master).
   */
  readonly client: RedisClient | RedisClusterClient;
  /** What the names of all keys begin with. Default `millrace:`. Without braces: they choose a cluster's slot. */
  readonly prefix?: string;
  /** How long an idempotency key is remembered, and a producer after its last event, ms. Default 10 min. */
  readonly keyWindowMs?: number;
  /** Within so long each call is answered, with `engine/unavailable` where Redis says nothing, ms. Default 5,000. */
  readonly answerWithinMs?: number;
  /**
   * What a call does while there is no connection: `wait`, `waitMs` at most, or `fail` at once. Default `wait`. What
   * was sent and got no answer fails either way, for nobody knows whether it was done; reads are tried again.
   */
  readonly onOutage?: 'fail' | 'wait';
  /** Default 1,000; never longer than `answerWithinMs`. */
  readonly waitMs?: number;
  /** Told of a lost connection, of rights that are missing, of what somebody else did to the keys. Default: nobody. */
  readonly onError?: (error: MillraceError) => void;
}

/** One and the same trouble is told once in so long, ms: an outage is one thing, however many calls find it. */
const TELL_EVERY_MS = 10_000;

/**
 * An engine in Redis 7.0 or later. What was answered survives this process; what Redis itself survives is set there
 * (`appendonly`, `appendfsync`), and each start of it, each promotion and each move of a slot gives the channels
 * another epoch, so that nothing that was lost goes unnoticed. @throws MillraceError `settings/invalid`
 */
export function redisEngine(options: RedisEngineOptions): Engine {
  const { client, prefix = 'millrace:', onError = () => undefined } = options;
  const patience = readPatience(options);
  checkPrefix(prefix);
  const isSharded = isClusterClient(client);
  const keys = createKeys(prefix, isSharded);
  const start = Buffer.from(messageStart(prefix));
  const tellOf = createTeller(onError);
  let seesIncarnation = true;

  const events: SubscriptionEvents = {
    onMessage(name, payload) {
      if (log.isOwn(payload)) return;
      const heard = keys.heard(name.toString());
      if (heard.kind === 'bus') {
        bus.heard(heard.name, payload.toString());
        return;
      }
      const hint = startsWith(payload, start) ? parseMessage(payload) : null;
      if (hint !== null) log.heard(heard.name, hint);
    },
    onConfirmed(names) {
      for (const name of names) {
        const confirmed = keys.heard(name);
        if (confirmed.kind === 'log') log.confirmed(confirmed.name);
      }
      bus.confirmed();
    },
    onRefused: (cause) => tellOf('subscribe', refused(cause)),
  };
  const { connection, subscriptions } = connect(client, patience, events, (cause) =>
    tellOf('connection', unavailable(cause)),
  );
  const log = createRedisLog({
    connection,
    keys,
    prefix,
    isSharded,
    keyWindowMs: options.keyWindowMs ?? 600_000,
    answerWithinMs: patience.answerWithinMs,
    isHeard: (channel) => subscriptions.isConfirmed(keys.live(channel)),
    onWatched(channel, isWatched) {
      if (isWatched) subscriptions.add(keys.live(channel));
      else subscriptions.remove(keys.live(channel));
    },
    onSeesIncarnation(sees) {
      seesIncarnation = sees;
      if (!sees) tellOf('info', blind());
    },
    onSilence: (cause) => tellOf('publish', refused(new Error(cause))),
  });
  const bus = createRedisBus({
    connection,
    subscriptions,
    keys,
    answerWithinMs: patience.answerWithinMs,
  });

  return {
    log,
    bus,
    capabilities: {
      name: 'redis',
      survives: 'killed-process',
      nodes: 'many',
      get seesRollback() {
        return seesIncarnation;
      },
    },
    async close() {
      await Promise.all([log.close(), bus.close()]);
      subscriptions.close();
      connection.close();
    },
  };
}

function connect(
  client: RedisClient | RedisClusterClient,
  patience: Patience,
  events: SubscriptionEvents,
  onLost: (cause: unknown) => void,
): { readonly connection: Connection; readonly subscriptions: Subscriptions } {
  const { answerWithinMs } = patience;
  if (isClusterClient(client)) {
    const cluster = duplicateCluster(client, patience);
    return {
      connection: createClusterConnection({ cluster, patience, onLost }),
      subscriptions: createShardSubscriptions({ cluster, answerWithinMs, ...events }),
    };
  }
  const subscriptions = createServerSubscriptions({ client, answerWithinMs, ...events });
  const { regained } = subscriptions;
  return {
    connection: createServerConnection({ client, patience, onLost, onRegained: regained }),
    subscriptions,
  };
}

function readPatience(options: RedisEngineOptions): Patience {
  const { answerWithinMs = 5_000, onOutage = 'wait', waitMs = 1_000, keyWindowMs = 0 } = options;
  for (const [name, value] of Object.entries({ answerWithinMs, waitMs, keyWindowMs })) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new MillraceError('settings/invalid', `\`${name}\` is a whole number of milliseconds.`);
    }
  }
  if (answerWithinMs === 0) {
    throw new MillraceError('settings/invalid', '`answerWithinMs` is more than 0.');
  }
  return { answerWithinMs, waitMs: onOutage === 'fail' ? 0 : Math.min(waitMs, answerWithinMs) };
}

function checkPrefix(prefix: string): void {
  if (!/[{}]/.test(prefix)) return;
  throw new MillraceError(
    'settings/invalid',
    `The prefix "${prefix}" has a brace, which chooses the slot on a cluster. Give one without.`,
  );
}

function blind(): MillraceError {
  return new MillraceError(
    'settings/invalid',
    'This user of Redis may not call INFO. A server that went back to an older state is then taken for the same one: allow `+info`.',
  );
}

function createTeller(
  onError: (error: MillraceError) => void,
): (what: string, error: MillraceError) => void {
  const toldAt = new Map<string, number>();
  return (what, error) => {
    const now = performance.now();
    if (now - (toldAt.get(what) ?? -Infinity) < TELL_EVERY_MS) return;
    toldAt.set(what, now);
    onError(error);
  };
}

// With which options the engine's own connections are made, over those of the user's client (address, TLS, password,
// Sentinels). Each is here because ioredis' default would do behind our back what nobody must do (decision:
// docs/decisions/2026-11-26-redis-engine.md). Rule: LOG-16.

import { backoffMs } from './patience.ts';

/** Of a connection that runs commands or listens. `answerWithinMs`: silence that long while an answer is due ends it. */
export function connectionOptions(answerWithinMs: number): object {
  return {
    // A command that cannot be written now is refused, one whose connection breaks is rejected: neither is kept and
    // sent later, when its caller has been told that it failed. With 0, not null: those that were under way when the
    // connection broke are else never settled at all.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // Done here, since listeners have to be told once it is done.
    autoResubscribe: false,
    enableAutoPipelining: false,
    lazyConnect: false,
    readOnly: false,
    // Names are the engine's own, and texts come as texts.
    keyPrefix: '',
    stringNumbers: false,
    replyMapping: 'legacy',
    // A frozen server takes the connection, and then says nothing.
    connectTimeout: answerWithinMs,
    socketTimeout: answerWithinMs,
    sentinelCommandTimeout: answerWithinMs,
    commandTimeout: undefined,
    disconnectTimeout: 100,
    // For ever, never at once, and never all nodes together.
    retryStrategy: backoffMs,
    sentinelRetryStrategy: backoffMs,
    reconnectOnError: null,
  };
}

/** Of a cluster's duplicate, which runs commands. */
export function clusterOptions(answerWithinMs: number): object {
  return {
    enableOfflineQueue: false,
    enableAutoPipelining: false,
    lazyConnect: false,
    keyPrefix: '',
    scaleReads: 'master',
    // It would ask a node that is still connecting, fail, and begin again; whether a slot's node is there is looked at
    // for each call.
    enableReadyCheck: false,
    // The engine listens on connections of its own.
    shardedSubscribers: false,
    clusterRetryStrategy: backoffMs,
    clusterNodeRetryStrategy: null,
    // What was under way when a node went away may have been done: ioredis would send it again.
    retryDelayOnFailover: 0,
    // Few, so that what is redirected ends with the call; the engine goes on trying while its caller waits.
    maxRedirections: 4,
    slotsRefreshInterval: 10_000,
    // Nodes connect when they are found: one that connects at its first command keeps that in a queue.
    redisOptions: connectionOptions(answerWithinMs),
  };
}

// Where Desk's channels live: in Redis where one is given, else in the database. With Redis, what is published in a
// transaction waits in the database's outbox.

import { MillraceError } from '@millrace/protocol';
import type { Engine, HubOptions } from '@millrace/server';
import { redisEngine } from '@millrace/server/redis';
import { Redis } from 'ioredis';
import type { Storage } from './storage.ts';

export interface OpenedEngine {
  readonly engine: Engine;
  /** For the hub. */
  readonly outbox: Pick<HubOptions, 'outbox'>;
  /** After the hub, before the storage. */
  close(): Promise<void>;
}

export interface OpenEngineOptions {
  /** Empty: the channels live in the database. */
  readonly redisUrl: string;
  readonly storage: Pick<Storage, 'sql' | 'openEngine'>;
  /** Of trouble that passes by itself. */
  onError(error: MillraceError): void;
  /** How long a Redis that does not answer yet is waited for, ms. Default 20 s. */
  readonly patienceMs?: number;
}

const LEAST_VERSION = 7;
const TRY_AGAIN_MS = 500;
const ANSWERED_WITHIN_MS = 5_000;

/** @throws MillraceError `settings/invalid` where Redis refuses or is too old, `engine/unavailable` where none answers */
export async function openEngine(options: OpenEngineOptions): Promise<OpenedEngine> {
  const { redisUrl, storage, onError } = options;
  if (redisUrl === '') {
    const engine = storage.openEngine();
    return { engine, outbox: {}, close: () => engine.close() };
  }
  // Asked once, then only told from: the engine makes connections of its own.
  const client = new Redis(redisUrl, {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: ANSWERED_WITHIN_MS,
    socketTimeout: ANSWERED_WITHIN_MS,
  });
  let refusal: Error | null = null;
  client.on('error', (error) => {
    refusal = error;
  });
  try {
    await waitForRedis(client, options.patienceMs ?? 20_000, () => refusal);
  } finally {
    client.disconnect();
  }
  const engine = redisEngine({ client, onError });
  return { engine, outbox: { outbox: { database: storage.sql } }, close: () => engine.close() };
}

async function waitForRedis(
  client: Redis,
  patienceMs: number,
  refusal: () => Error | null,
): Promise<void> {
  const endsAt = performance.now() + patienceMs;
  for (;;) {
    try {
      await client.connect();
      const version = /redis_version:(\d+)/.exec(await client.info('server'))?.[1];
      // A server that keeps its version to itself is believed.
      if (Number(version ?? LEAST_VERSION) >= LEAST_VERSION) return;
    } catch (thrown) {
      const cause = refusal() ?? thrown;
      const why = cause instanceof Error ? cause.message || cause.name : String(cause);
      if (/^(?:WRONGPASS|NOAUTH|ERR )/.test(why)) {
        const message = `The Redis of REDIS_URL refuses: ${why} Check user and password in it.`;
        throw new MillraceError('settings/invalid', message, { cause });
      }
      if (why.startsWith('NOPERM')) return;
      if (performance.now() > endsAt) {
        const message = `Nothing answers at REDIS_URL (${why}). Start Redis, or check the address.`;
        throw new MillraceError('engine/unavailable', message, { cause });
      }
      client.disconnect();
      await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS));
      continue;
    }
    const message = 'The Redis of REDIS_URL is older than 7.0. Give a newer one.';
    throw new MillraceError('settings/invalid', message);
  }
}

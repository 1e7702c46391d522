// The engine of one node, from words that its process is given. Refuses to own: servers and what is done to them.

import { PGlite } from '@electric-sql/pglite';
import type { MillraceError } from '@millrace/protocol';
import { type Engine, memoryEngine } from '@millrace/server';
import {
  pgliteDatabase,
  pgliteEngine,
  postgresDatabase,
  postgresEngine,
} from '@millrace/server/postgres';
import { redisEngine } from '@millrace/server/redis';
import { Cluster, Redis } from 'ioredis';
import pg from 'pg';

/** By the address that servers tell of themselves: where this node reaches them. */
export type NatMap = Readonly<Record<string, { readonly host: string; readonly port: number }>>;

export type EngineWords =
  | { readonly kind: 'memory' }
  | { readonly kind: 'pglite'; readonly folder: string }
  | { readonly kind: 'postgres'; readonly port: number }
  | { readonly kind: 'redis'; readonly port: number }
  | { readonly kind: 'sentinel'; readonly port: number; readonly natMap: NatMap }
  | { readonly kind: 'cluster'; readonly ports: readonly number[]; readonly natMap: NatMap };

/** The bound within which each call of an engine on a server is answered, ms. */
export const ANSWER_WITHIN_MS = 3_000;

const HOST = '127.0.0.1';

export async function openEngine(
  words: EngineWords,
  onError: (error: MillraceError) => void,
): Promise<Engine> {
  const common = { answerWithinMs: ANSWER_WITHIN_MS, onError };
  switch (words.kind) {
    case 'memory':
      return memoryEngine();
    case 'pglite':
      return pgliteEngine({ database: pgliteDatabase(await PGlite.create(words.folder)) });
    case 'postgres': {
      const pool = new pg.Pool({
        connectionString: `postgres://millrace@${HOST}:${words.port}/postgres`,
        connectionTimeoutMillis: ANSWER_WITHIN_MS,
      });
      return postgresEngine({ database: postgresDatabase({ ...common, pool }) });
    }
    case 'redis':
      return redisEngine({
        ...common,
        client: quiet(new Redis(words.port, { lazyConnect: true })),
      });
    case 'sentinel': {
      const { port, natMap } = words;
      const sentinels = [{ host: HOST, port }];
      const client = new Redis({ sentinels, name: 'main', natMap, lazyConnect: true });
      return redisEngine({ ...common, client: quiet(client) });
    }
    case 'cluster': {
      const startup = words.ports.map((port) => ({ host: HOST, port }));
      const client = new Cluster(startup, { natMap: words.natMap, lazyConnect: true });
      return redisEngine({ ...common, client: quiet(client) });
    }
  }
}

/** The engine makes connections of its own, and tells of their trouble itself. */
function quiet<Client extends Redis | Cluster>(client: Client): Client {
  client.on('error', () => undefined);
  return client;
}

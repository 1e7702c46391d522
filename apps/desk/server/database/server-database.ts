// A PostgreSQL server as a SqlDatabase that many nodes share: the pool of this node, opened once the server answers.
// Refuses to own: the schema, and what a lost connection means (`postgresDatabase`).

import { MillraceError } from '@millrace/protocol';
import { type PostgresDatabase, postgresDatabase } from '@millrace/server/postgres';
import pg from 'pg';
import { SERVER_TYPES } from './server-types.ts';

export interface ServerDatabase extends PostgresDatabase {
  /** After whatever works on it has ended. Idempotent. */
  close(): Promise<void>;
}

export interface ServerDatabaseOptions {
  /** As DATABASE_URL gives it. Never printed. */
  readonly url: string;
  /** Of trouble with hearing other nodes, which passes by itself. */
  readonly onError?: (error: MillraceError) => void;
  /** How long a server that does not answer yet is waited for, ms. Default 20 s: databases start with their apps. */
  readonly patienceMs?: number;
}

/** For each node. Two of them are kept for hearing; a server takes 100 in all by default. */
export const CONNECTIONS = 10;
const CONNECTED_WITHIN_MS = 5_000;
const CLOSED_WITHIN_MS = 3_000;
const TRY_AGAIN_MS = 500;
/** The oldest that the SQL keeps to, as it calls itself. */
const LEAST_VERSION = 150_000;

/** @throws MillraceError `settings/invalid` where it refuses or is too old, `engine/unavailable` where none answers */
export async function openServerDatabase(options: ServerDatabaseOptions): Promise<ServerDatabase> {
  const { url, onError = () => undefined, patienceMs = 20_000 } = options;
  const pool = new pg.Pool({
    connectionString: url,
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECTED_WITHIN_MS,
    application_name: 'desk',
    types: SERVER_TYPES,
  });
  const database = postgresDatabase({ pool, onError });
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closing ??= within(CLOSED_WITHIN_MS, pool.end());
    return closing;
  };
  try {
    await waitForServer(pool, patienceMs);
  } catch (error) {
    await close();
    throw error;
  }
  return { ...database, close };
}

async function waitForServer(pool: pg.Pool, patienceMs: number): Promise<void> {
  const endsAt = performance.now() + patienceMs;
  for (;;) {
    try {
      const { rows } = await pool.query<{ version: number }>(
        `select current_setting('server_version_num')::int as version`,
      );
      if ((rows[0]?.version ?? 0) >= LEAST_VERSION) return;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message || cause.name : String(cause);
      if (hasAnswered(cause)) {
        const message = `The database of DATABASE_URL refuses: ${why}. Check user, password and name in it.`;
        throw new MillraceError('settings/invalid', message, { cause });
      }
      if (performance.now() > endsAt) {
        const message = `Nothing answers at DATABASE_URL (${why}). Start the database, or check the address.`;
        throw new MillraceError('engine/unavailable', message, { cause });
      }
      await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS));
      continue;
    }
    const message = 'The database of DATABASE_URL is older than PostgreSQL 15. Give a newer one.';
    throw new MillraceError('settings/invalid', message);
  }
}

/** A refusal with a SQLSTATE is the server's; one that is starting, ending or full may let us in later. */
function hasAnswered(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' && /^(?!08|57P|53)[0-9A-Z]{5}$/.test(code) && /\d/.test(code);
}

/** A connection that hangs must not keep the process. */
async function within(limitMs: number, ending: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([ending, late]);
  clearTimeout(timer);
}

// A PostgreSQL 15 server of a test's own: an empty cluster in a temporary folder, on a free port, gone with the test; and
// a pool of `pg` as a SqlDatabase.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SqlDatabase, SqlRow, SqlTransaction } from '../seams/database.ts';

export interface ThrowawayPostgres extends AsyncDisposable {
  /** What `pg` takes to connect. */
  readonly connection: Readonly<Record<string, string | number>>;
}

const BIN = '/usr/lib/postgresql/15/bin';
/** PostgreSQL refuses to run as root: `nobody`, then. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

/** Needs Debian's package postgresql-15. */
export async function startPostgres(): Promise<ThrowawayPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-pg-'));
  if (NOBODY.uid !== undefined) await chown(folder, NOBODY.uid, NOBODY.gid);
  const port = await freePort();
  const made = run('initdb', ['-D', folder, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '-N']);
  const [code] = await once(made, 'exit');
  if (code !== 0) throw new Error(`initdb ended with ${code}: is postgresql-15 installed?`);
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'off',
  };
  const server = run('postgres', [
    '-D',
    folder,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]);
  const ended = once(server, 'exit');
  await untilReady(port);
  return {
    connection: { host: '127.0.0.1', port, user: 'postgres', database: 'postgres' },
    async [Symbol.asyncDispose]() {
      // First those who are leaving may leave: a pool is done before its connections are. Then all are cut off.
      server.kill('SIGTERM');
      const cutOff = setTimeout(() => server.kill('SIGINT'), 2_000);
      await ended;
      clearTimeout(cutOff);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function run(name: string, args: readonly string[]): ChildProcess {
  return spawn(join(BIN, name), args, { ...NOBODY, cwd: tmpdir(), stdio: 'ignore' });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function untilReady(port: number): Promise<void> {
  const giveUpAt = performance.now() + 20_000;
  while (performance.now() < giveUpAt) {
    const [code] = await once(run('pg_isready', ['-h', '127.0.0.1', '-p', `${port}`]), 'exit');
    if (code === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  throw new Error('the PostgreSQL server did not start');
}

interface PgResult {
  readonly rows: readonly SqlRow[];
}

interface PgNotice {
  readonly payload?: string | undefined;
}

interface PgClient {
  query(sql: string, params?: unknown[]): Promise<PgResult | readonly PgResult[]>;
  on(event: 'notification', listener: (notice: PgNotice) => void): unknown;
  removeListener(event: 'notification', listener: (notice: PgNotice) => void): unknown;
  release(): void;
}

export interface PgPool {
  connect(): Promise<PgClient>;
}

export function poolDatabase(pool: PgPool): SqlDatabase {
  async function within<Result>(work: (client: PgClient) => Promise<Result>): Promise<Result> {
    const client = await pool.connect();
    try {
      return await work(client);
    } finally {
      client.release();
    }
  }

  return {
    query: (sql, params) => within((client) => statementsOf(client).query(sql, params)),
    transaction: (work) =>
      within(async (client) => {
        await client.query('begin');
        try {
          const result = await work(statementsOf(client));
          await client.query('commit');
          return result;
        } catch (error) {
          await client.query('rollback');
          throw error;
        }
      }),
    async listen(channel, listener) {
      const client = await pool.connect();
      const heard = ({ payload }: PgNotice): void => listener(payload ?? '');
      client.on('notification', heard);
      await client.query(`listen "${channel}"`);
      return async () => {
        await client.query(`unlisten "${channel}"`);
        client.removeListener('notification', heard);
        client.release();
      };
    },
  };
}

function statementsOf(client: PgClient): SqlTransaction {
  return {
    async query(sql, params) {
      const result = await client.query(sql, params === undefined ? undefined : [...params]);
      const last = 'rows' in result ? result : result.at(-1);
      return last?.rows ?? [];
    },
  };
}

// A PostgreSQL server of a bench's own, on one core, and engines on it as nodes. Linux, for `taskset` and /proc.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import type { Engine } from '@millrace/server';
import { postgresDatabase, postgresEngine } from '@millrace/server/postgres';
import { type PostgresServer, startPostgres } from '@millrace/server/testing/servers';
import pg from 'pg';

export interface BenchServer extends AsyncDisposable {
  /** Where a driver connects. */
  readonly url: string;
  /** Another node. */
  engine(): Engine;
  /** User and system time of all its processes so far, also of those that have ended, s. */
  cpuSeconds(): number;
}

/** With the settings that PostgreSQL comes with: each commit reaches the disk. */
export async function startBenchServer(): Promise<BenchServer> {
  const server = await startPostgres({ isDurable: true });
  // What it starts from now on inherits it.
  for (const pid of processesOf(server)) execFileSync('taskset', ['-acp', '1', `${pid}`]);
  const open: (() => Promise<void>)[] = [];
  return {
    url: server.url(),
    engine() {
      const pool = new pg.Pool({ connectionString: server.url(), max: 4 });
      const engine = postgresEngine({ database: postgresDatabase({ pool }) });
      open.push(async () => {
        await engine.close();
        await pool.end();
      });
      return engine;
    },
    cpuSeconds: () => {
      const running = processesOf(server).reduce((sum, pid) => sum + cpuSecondsOf(pid, OWN), 0);
      return running + cpuSecondsOf(server.pid, OF_ENDED_CHILDREN);
    },
    async [Symbol.asyncDispose]() {
      for (const close of open) await close();
      await server.close();
    },
  };
}

/** The first process and its children. */
function processesOf({ pid }: PostgresServer): readonly number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(fieldOf(name, 1)) === pid)
    .map(Number);
  return [pid, ...children];
}

/** Places of user and system time in /proc/PID/stat, in ticks of 10 ms. */
const OWN = [11, 12];
const OF_ENDED_CHILDREN = [13, 14];

function cpuSecondsOf(pid: number, places: readonly number[]): number {
  return places.reduce((sum, place) => sum + Number(fieldOf(`${pid}`, place)), 0) / 100;
}

/** Counted from the state, after the name in parentheses, which may hold anything. */
function fieldOf(pid: string, index: number): string {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ');
    return fields?.[index] ?? '';
  } catch {
    // It has ended meanwhile.
    return '';
  }
}

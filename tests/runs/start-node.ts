// A node of a few that answer, as a process that can be killed, and the tables that it writes to beside the runs' own.

import { join } from 'node:path';
import type { Pool } from 'pg';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

/** What its tool did (`made`), who its model was asked by (`asked`), and what was stored (`messages`). */
export async function makeTables(pool: Pick<Pool, 'query'>): Promise<void> {
  await pool.query('create table made (key text, at timestamptz default now())');
  await pool.query('create table asked (run_id text)');
  await pool.query('create table messages (run_id text primary key, text text not null)');
}

/** @param holds whether it stops at the place that a question names */
export function startNode(database: string, holds: 'yes' | 'no'): Promise<ServerProcess> {
  return startServerProcess({
    entry: join(import.meta.dirname, 'node.ts'),
    env: { DATABASE: database, HOLDS: holds },
    ready: { stdout: /listening/ },
  });
}

// The probes' server as a program of its own, so that it can be killed: `PORT`, `ENGINE` (memory or
// pglite), `DATA_DIR` for pglite, `LIMITS` as JSON, `HAS_PAGE=no` where no page is opened. Says one
// line when it listens.

import { PGlite } from '@electric-sql/pglite';
import type { Limits } from '@millrace/protocol';
import { type Engine, memoryEngine } from '@millrace/server';
import { pgliteDatabase, pgliteEngine } from '@millrace/server/postgres';
import { startProbeServer } from './server.ts';

async function openEngine(): Promise<Engine> {
  if (process.env['ENGINE'] !== 'pglite') return memoryEngine();
  const folder = process.env['DATA_DIR'];
  if (folder === undefined) throw new Error('ENGINE=pglite needs DATA_DIR');
  return pgliteEngine({ database: pgliteDatabase(await PGlite.create(folder)) });
}

const server = await startProbeServer({
  port: Number(process.env['PORT'] ?? 0),
  engine: await openEngine(),
  limits: JSON.parse(process.env['LIMITS'] ?? '{}') as Partial<Limits>,
  hasPage: process.env['HAS_PAGE'] !== 'no',
});
process.on('SIGTERM', () => void server.close().then(() => process.exit(0)));
console.log(`listening on ${server.port}`);

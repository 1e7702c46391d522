// The probes' server as a program of its own, so that it can be killed: `PORT`, `ENGINE` and `LIMITS` as JSON (default
// memory), `HAS_PAGE=no` where no page is opened. Says one line when it listens.

import type { Limits } from '@millrace/protocol';
import { type EngineWords, openEngine } from '../../cluster/engines/open.ts';
import { startProbeServer } from './server.ts';

const words = JSON.parse(process.env['ENGINE'] ?? '{"kind":"memory"}') as EngineWords;
const server = await startProbeServer({
  port: Number(process.env['PORT'] ?? 0),
  engine: await openEngine(words, ({ message }) => console.error(message)),
  limits: JSON.parse(process.env['LIMITS'] ?? '{}') as Partial<Limits>,
  hasPage: process.env['HAS_PAGE'] !== 'no',
});
process.on('SIGTERM', () => void server.close().then(() => process.exit(0)));
console.log(`listening on ${server.port}`);

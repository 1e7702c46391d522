// One of several nodes on one PostgreSQL: start it as often as you like, on ports of their own, behind any balancer.

import { createServer } from 'node:http';
import { defineChannel } from '@millrace/protocol';
import { createHub } from '@millrace/server';
import { postgresDatabase, postgresEngine } from '@millrace/server/postgres';
import pg from 'pg';
import * as v from 'valibot';

const room = defineChannel({
  type: 'room',
  params: ['id'],
  events: { said: v.object({ text: v.string() }) },
  access: { subscribe: 'public', publish: 'public' },
});

const pool = new pg.Pool({
  connectionString: process.env['DATABASE_URL'],
  // Otherwise a connection that never comes keeps its place in the pool.
  connectionTimeoutMillis: 5_000,
});
const engine = postgresEngine({
  database: postgresDatabase({ pool, onError: (error) => console.error(error.message) }),
});
const hub = createHub({ contracts: [room], engine });

const server = createServer(async (req, res) => {
  if (!(await hub.handle(req, res))) res.writeHead(404).end();
});
server.on('upgrade', (req, socket, head) => hub.upgrade(req, socket, head));
server.listen(Number(process.env['PORT']), '127.0.0.1', () => console.log('listening'));

process.once('SIGTERM', async () => {
  // First the links and what is being published, then the engine, then the pool.
  await hub.close();
  await engine.close();
  await pool.end();
  server.close();
});

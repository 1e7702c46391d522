// One node as a process of its own: a hub on the engine that `ENGINE` names (`redis:<port>` or `postgres:<url>`), on
// `PORT`. A token is the user's id. Says one line when it listens; SIGTERM closes it in order.

import { createServer } from 'node:http';
import { createHub, type Engine } from '@millrace/server';
import { postgresDatabase, postgresEngine } from '@millrace/server/postgres';
import { redisEngine } from '@millrace/server/redis';
import { Redis } from 'ioredis';
import pg from 'pg';
import { people } from './people.ts';

const say = (error: Error): void => console.error(error.message);
const [kind, ...rest] = (process.env['ENGINE'] ?? '').split(':');

function openEngine(): Engine {
  if (kind === 'redis') {
    const client = new Redis(Number(rest[0]));
    client.on('error', say);
    return redisEngine({ client, onError: say });
  }
  const pool = new pg.Pool({ connectionString: rest.join(':') });
  return postgresEngine({ database: postgresDatabase({ pool, onError: say }) });
}

const hub = createHub({
  engine: openEngine(),
  contracts: [people],
  authenticate: ({ token }) => (token === null ? null : { id: token }),
  // One address plays everybody.
  limits: { maxLinksPerAddress: 20_000 },
  onError: say,
});
const server = createServer((request, response) => {
  hub.handle(request, response).then(
    (isOurs) => {
      if (!isOurs) response.writeHead(404).end();
    },
    () => response.destroy(),
  );
});
server.on('upgrade', (request, socket, head) => {
  if (!hub.upgrade(request, socket, head)) socket.destroy();
});
server.listen(Number(process.env['PORT']), '127.0.0.1', () => console.log('listening'));

process.once('SIGTERM', () => {
  hub.close().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});

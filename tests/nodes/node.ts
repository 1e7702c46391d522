// One node as a process of its own: a hub on the engine that `ENGINE` names (JSON), on `PORT`. A token is the user's
// id. Says one line when it listens; SIGTERM closes it in order.

import { createServer } from 'node:http';
import { createHub } from '@millrace/server';
import { openEngine } from '../cluster/engines/open.ts';
import { people } from './people.ts';

const say = (error: Error): void => console.error(error.message);

const hub = createHub({
  engine: await openEngine(JSON.parse(process.env['ENGINE'] ?? '{}'), say),
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

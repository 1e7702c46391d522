// A hub and nothing else as a program of its own, so that what links cost can be told from what Desk
// costs: `PORT`; channel `agent_messages` for everybody; `GET /usage` collects garbage, then tells
// the process's memory and CPU time. Says one line when it listens.

import { createServer } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { agentMessages } from '@millrace/protocol/channels';
import { createHub } from '@millrace/server';

export interface Usage {
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  /** User and system. */
  readonly cpuMs: number;
}

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const hub = createHub({
  contracts: [agentMessages],
  authorize: () => true,
  // One address plays all users here.
  limits: { maxLinksPerAddress: 50_000 },
});

const server = createServer((request, response) => {
  if (request.url === '/usage') return void response.end(JSON.stringify(usage()));
  hub.handle(request, response).then(
    (isOurs) => {
      if (!isOurs) response.writeHead(404).end();
    },
    (error: unknown) => {
      console.error(error);
      response.destroy();
    },
  );
});
server.on('upgrade', (request, socket, head) => {
  if (!hub.upgrade(request, socket, head)) socket.destroy();
});
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => console.log('listening'));

function usage(): Usage {
  collectGarbage();
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return { rssBytes: rss, heapUsedBytes: heapUsed, cpuMs: (user + system) / 1_000 };
}

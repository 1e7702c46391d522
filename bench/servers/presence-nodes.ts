// Two nodes on one engine as a program of its own: hubs at `/one` and `/two` of the same port (`PORT`), and a channel
// whose presence is open to all. `GET /usage` collects garbage, then tells memory and CPU time, and what has gone over
// the bus. Says one line when it listens.

import { createServer } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Bus, createHub, type Engine, memoryEngine } from '@millrace/server';
import { crowd } from '../lib/crowd.ts';

export interface NodesUsage {
  readonly heapUsedBytes: number;
  /** User and system. */
  readonly cpuMs: number;
  readonly busMessages: number;
  readonly busBytes: number;
}

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const engine = memoryEngine();
let busMessages = 0;
let busBytes = 0;
const bus: Bus = {
  ...engine.bus,
  publish(topic, text) {
    busMessages += 1;
    busBytes += Buffer.byteLength(text);
    return engine.bus.publish(topic, text);
  },
};
const counted: Engine = { ...engine, bus };

const hubs = ['/one', '/two'].map((path) =>
  createHub({
    path,
    engine: counted,
    contracts: [crowd],
    // One address plays all users here, and all come at once.
    limits: { maxLinksPerAddress: 50_000, maxConnectsPerSecond: Number.POSITIVE_INFINITY },
  }),
);

const server = createServer((request, response) => {
  if (request.url === '/usage') response.end(JSON.stringify(usage()));
  else response.writeHead(404).end();
});
server.on('upgrade', (request, socket, head) => {
  if (!hubs.some((hub) => hub.upgrade(request, socket, head))) socket.destroy();
});
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => console.log('listening'));

function usage(): NodesUsage {
  collectGarbage();
  const { heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return { heapUsedBytes: heapUsed, cpuMs: (user + system) / 1_000, busMessages, busBytes };
}

import { createServer } from 'node:http';
import { createClient } from '@millrace/client';
import { defineChannel } from '@millrace/protocol';
import { createHub } from '@millrace/server';
import * as v from 'valibot';

// Described once; server, client and hooks take their types from it.
const job = defineChannel({
  type: 'job',
  params: ['id'],
  events: { progressed: v.object({ percent: v.number() }) },
  access: { subscribe: 'public' },
});

const hub = createHub({ contracts: [job] });
const server = createServer(async (req, res) => {
  if (!(await hub.handle(req, res))) res.writeHead(404).end();
});
server.on('upgrade', (req, socket, head) => hub.upgrade(req, socket, head));
await new Promise<void>((resolve) => server.listen(4000, '127.0.0.1', resolve));

// In a browser: url: '/realtime'. WebSocket, SSE or long-poll, whichever gets through.
const client = createClient({ url: 'http://127.0.0.1:4000/realtime' });
client.subscribe(job.of({ id: '7' }), {
  start: 'start',
  onEvent: (event) => console.log(`${event.offset}: ${event.data.percent} %`),
});

for (const percent of [25, 50, 100]) {
  await hub.publish(job.of({ id: '7' }), { type: 'progressed', data: { percent } });
}

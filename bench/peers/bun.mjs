// Bun's own server and its topics (uWebSockets, C++). Runs on Bun.

import { port, startControl } from '../servers/control.ts';
import { createSample } from '../servers/readers.ts';

const { Bun } = globalThis;
const sample = createSample((ws) => ws.getBufferedAmount());
globalThis.gc ??= () => Bun.gc(true);

const server = Bun.serve({
  port,
  hostname: '127.0.0.1',
  fetch(request, own) {
    return own.upgrade(request, { data: {} }) ? undefined : new Response('no', { status: 400 });
  },
  websocket: {
    perMessageDeflate: false,
    idleTimeout: 0,
    sendPings: false,
    backpressureLimit: 1_048_576,
    open: (ws) => sample.add(ws),
    close: (ws) => sample.remove(ws),
    message(ws, data) {
      ws.subscribe(JSON.parse(data).sub);
      ws.send('{"ok":true}');
    },
  },
});
console.log('listening');

startControl({
  isCongested: sample.isCongested,
  publish(_channel, message) {
    server.publish(message.ch, JSON.stringify(message));
  },
});

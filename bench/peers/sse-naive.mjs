// Server-sent events as most would write them: node:http, response.write(text) for every reader.

import { createServer } from 'node:http';
import { port, startControl } from '../servers/control.ts';
import { createRooms, createSample } from '../servers/readers.ts';

const rooms = createRooms();
const sample = createSample((response) => response.writableLength);

createServer((request, response) => {
  const room = rooms.room(`ch${request.url.split('ch=')[1] ?? 0}`);
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  response.write(': ok\n\n');
  room.add(response);
  sample.add(response);
  response.on('close', () => {
    room.delete(response);
    sample.remove(response);
  });
}).listen({ port, host: '127.0.0.1', backlog: 4_096 }, () => console.log('listening'));

startControl({
  isCongested: sample.isCongested,
  publish(_channel, message) {
    const block = `data: ${JSON.stringify(message)}\n\n`;
    for (const response of rooms.readers(message.ch)) response.write(block);
  },
});

// Plain `ws` as most would write it: client.send(text) for every reader. No token, no history, no cursor.

import { WebSocketServer } from 'ws';
import { port, startControl } from '../servers/control.ts';
import { createRooms, createSample } from '../servers/readers.ts';

const rooms = createRooms();
const sample = createSample((ws) => ws.bufferedAmount);
const server = new WebSocketServer({
  port,
  host: '127.0.0.1',
  backlog: 4_096,
  perMessageDeflate: false,
});
server.on('listening', () => console.log('listening'));
server.on('connection', (ws) => {
  sample.add(ws);
  const joined = [];
  ws.on('message', (data) => {
    const { sub } = JSON.parse(data);
    joined.push(rooms.room(sub).add(ws));
    ws.send('{"ok":true}');
  });
  ws.on('close', () => {
    sample.remove(ws);
    for (const room of joined) room.delete(ws);
  });
  ws.on('error', () => undefined);
});

startControl({
  isCongested: sample.isCongested,
  publish(_channel, message) {
    const text = JSON.stringify(message);
    for (const ws of rooms.readers(message.ch)) if (ws.readyState === 1) ws.send(text);
  },
});

// `ws` for the handshake and for reading; a message's frame is made once and written to the sockets below. From
// the second message of a turn on, the sockets are corked, so that a turn is one write for each.

import { Sender, WebSocketServer } from 'ws';
import { port, startControl } from '../servers/control.ts';
import { createRooms, createSample } from '../servers/readers.ts';

const rooms = createRooms();
const sample = createSample((socket) => socket.writableLength);
const server = new WebSocketServer({
  port,
  host: '127.0.0.1',
  backlog: 4_096,
  perMessageDeflate: false,
});
server.on('listening', () => console.log('listening'));
server.on('connection', (ws, request) => {
  const { socket } = request;
  sample.add(socket);
  const joined = [];
  ws.on('message', (data) => {
    const { sub } = JSON.parse(data);
    joined.push(rooms.room(sub).add(socket));
    ws.send('{"ok":true}');
  });
  ws.on('close', () => {
    sample.remove(socket);
    for (const room of joined) room.delete(socket);
  });
  ws.on('error', () => undefined);
});

const frameOptions = { fin: true, rsv1: false, opcode: 1, mask: false, readOnly: true };
/** Frames of this turn, by channel. */
const pending = new Map();

startControl({
  isCongested: sample.isCongested,
  publish(_channel, message) {
    const frame = Buffer.concat(Sender.frame(Buffer.from(JSON.stringify(message)), frameOptions));
    const frames = pending.get(message.ch);
    if (frames === undefined) pending.set(message.ch, [frame]);
    else frames.push(frame);
  },
  endTurn() {
    for (const [name, frames] of pending) write(rooms.readers(name), frames);
    pending.clear();
  },
});

/** Cork costs where there is one frame. */
function write(sockets, frames) {
  const [first] = frames;
  for (const socket of sockets) {
    if (frames.length === 1) {
      socket.write(first);
      continue;
    }
    socket.cork();
    for (const frame of frames) socket.write(frame);
    socket.uncork();
  }
}

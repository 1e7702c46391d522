// Socket.IO over WebSocket alone: rooms, and a broadcast to one.

import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { port, startControl } from '../servers/control.ts';
import { createSample } from '../servers/readers.ts';

/** Bytes in the WebSocket, and packets that wait for it. */
const sample = createSample(
  ({ conn }) => (conn.transport?.socket?.bufferedAmount ?? 0) + conn.writeBuffer.length * 200,
);
const http = createServer();
const io = new Server(http, {
  transports: ['websocket'],
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
});
io.on('connection', (socket) => {
  sample.add(socket);
  socket.on('sub', (name) => {
    void socket.join(name);
    socket.emit('ok');
  });
  socket.on('disconnect', () => sample.remove(socket));
});
http.listen({ port, host: '127.0.0.1', backlog: 4_096 }, () => console.log('listening'));

startControl({
  isCongested: sample.isCongested,
  publish(_channel, message) {
    io.to(message.ch).emit('m', message);
  },
});

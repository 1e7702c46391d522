// Long-polling as most would write it: node:http, the response is kept until there is something, then
// response.end(text) for every one. A reader's first poll is answered at once. What is published between two
// polls is lost: no cursor.

import { createServer } from 'node:http';
import { port, startControl } from '../servers/control.ts';
import { createRooms } from '../servers/readers.ts';

const rooms = createRooms();

createServer((request, response) => {
  const { searchParams } = new URL(request.url, 'http://poll');
  response.setHeader('content-type', 'application/json');
  if (searchParams.get('link') === '1') return void response.end('[]');
  const room = rooms.room(`ch${searchParams.get('ch')}`);
  room.add(response);
  response.on('close', () => room.delete(response));
}).listen({ port, host: '127.0.0.1', backlog: 4_096 }, () => console.log('listening'));

startControl({
  isCongested: () => false,
  publish(_channel, message) {
    const text = JSON.stringify([message]);
    const room = rooms.room(message.ch);
    const waiting = [...room];
    room.clear();
    for (const response of waiting) response.end(text);
  },
});

// better-sse: a channel, and its broadcast.

import { createServer } from 'node:http';
import { createChannel, createSession } from 'better-sse';
import { port, startControl } from '../servers/control.ts';
import { createSample } from '../servers/readers.ts';

const channels = new Map();
const sample = createSample((response) => response.writableLength);

function channelOf(name) {
  const known = channels.get(name);
  if (known !== undefined) return known;
  const made = createChannel();
  channels.set(name, made);
  return made;
}

function open(session, request, response) {
  channelOf(`ch${request.url.split('ch=')[1] ?? 0}`).register(session);
  sample.add(response);
  response.on('close', () => sample.remove(response));
}

createServer((request, response) => {
  createSession(request, response).then(
    (session) => open(session, request, response),
    (error) => response.destroy(error),
  );
}).listen({ port, host: '127.0.0.1', backlog: 4_096 }, () => console.log('listening'));

startControl({
  isCongested: sample.isCongested,
  publish(_channel, message) {
    channels.get(message.ch)?.broadcast(message, 'm');
  },
});

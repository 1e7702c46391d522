import { createServer } from 'node:http';
import { createClient } from '@millrace/client';
import { ephemeralOf, presenceOf } from '@millrace/client/presence';
import { defineChannel } from '@millrace/protocol';
import { createHub } from '@millrace/server';
import * as v from 'valibot';

const board = defineChannel({
  type: 'board',
  params: ['id'],
  events: { drawn: v.object({ shape: v.string() }) },
  // What others see of each session, and what passes without being kept.
  presence: v.object({ name: v.string() }),
  ephemeral: { pointed: v.object({ x: v.number(), y: v.number() }) },
  access: { subscribe: 'public', presence: 'public', ephemeral: 'public' },
});
const channel = board.of({ id: '7' });

const hub = createHub({ contracts: [board] });
const server = createServer(async (req, res) => {
  if (!(await hub.handle(req, res))) res.writeHead(404).end();
});
server.on('upgrade', (req, socket, head) => hub.upgrade(req, socket, head));
await new Promise<void>((resolve) => server.listen(4001, '127.0.0.1', resolve));

const [ada, bob] = [1, 2].map(() => createClient({ url: 'http://127.0.0.1:4001/realtime' }));
if (ada === undefined || bob === undefined) throw new Error('no clients');

const people = presenceOf(bob, channel);
people.subscribe(() => {
  const names = people.getSnapshot().members.map(({ data }) => data.name);
  console.log(`present: ${names.join(', ') || 'nobody'}`);
});
const pointers = ephemeralOf(bob, channel);
pointers.subscribe(() => {
  for (const { type, data } of pointers.getSnapshot())
    console.log(`${type} at ${data.x}, ${data.y}`);
  // Leaves at once; a link that merely breaks off leaves 5 s later, unless it comes back.
  entry.leave();
});

const entry = presenceOf(ada, channel).enter({ name: 'Ada' });
const repeat = setInterval(() => {
  if (people.getSnapshot().members.length === 0) return;
  ephemeralOf(ada, channel).send({ type: 'pointed', data: { x: 3, y: 4 } });
  clearInterval(repeat);
}, 50);

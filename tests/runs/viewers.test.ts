// Many watch one run, in every protocol at once; and who comes late is told it in a few frames.

import { aiRuns, type RunWrite } from '@millrace/protocol/runs';
import { encodeClientFrame, PROTOCOL_VERSION } from '@millrace/protocol/wire';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { openRawSse } from '../support/raw-sse.ts';
import { until } from '../support/wait.ts';
import { type ChatServer, startChatServer } from './chat-server.ts';
import { CLIENTS } from './clients.ts';
import { ANSWER, HALF } from './script.ts';

let server: ChatServer;

beforeAll(async () => {
  server = await startChatServer();
});
afterAll(() => server[Symbol.asyncDispose]());

test('RUN-13: fifty viewers of one run, in every protocol, have the same, and the channel is read once for them', async () => {
  const chat = 'join-fifty';
  const clients = Array.from({ length: 50 }, () => CLIENTS)
    .flat()
    .slice(0, 50);
  const readers = clients.map(({ open }) => open(server.url, chat));
  // The first one's question starts the run; all others join it.
  const asked = readers.slice(0, 1).map((reader) => reader.ask());
  await until(() => readers[0]?.text() === HALF, { label: 'half of the answer' });
  asked.push(...readers.slice(1).map((reader) => reader.ask()));
  await until(() => readers.every((reader) => reader.text() === HALF), {
    label: 'all of them',
    details: () => readers.map((reader) => reader.text()).join('\n'),
  });
  expect(server.hub.stats().subscriptions).toBe(1);
  server.release(chat);
  expect(new Set(await Promise.all(asked))).toEqual(new Set([true]));
  expect(new Set(readers.map((reader) => reader.text()))).toEqual(new Set([ANSWER]));
  expect((await server.stored(chat)).map(({ text }) => text)).toEqual([ANSWER]);
  expect(server.errors).toEqual([]);
});

test('SUB-5: who comes late to a long answer is told it natively in at most three frames before the live tail', async () => {
  const hub = server.hub;
  const channel = aiRuns.of({ runId: 'long' });
  const ids = { conversationId: 'long', messageId: 'm' };
  const words = Array.from(
    { length: 1_000 },
    (): RunWrite => ({
      type: 'text-delta',
      data: { part: 1, text: 'word ' },
    }),
  );
  const events: readonly RunWrite[] = [
    { type: 'run-accepted', data: ids },
    { type: 'run-start', data: { ...ids, model: 'any' } },
    { type: 'step-start', data: { part: 0 } },
    { type: 'text-start', data: { part: 1 } },
    ...words,
  ];
  for (let at = 0; at < events.length; at += 500) {
    await hub.publishMany(events.slice(at, at + 500).map((event) => ({ channel, event })));
  }
  await using plain = await openRawSse(
    `${server.url}/realtime/events?channel=${encodeURIComponent(channel.name)}&from=start`,
  );
  await plain.untilEvents(1);
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/realtime/ws`, 'millrace.1');
  const frames: { readonly type: string }[] = [];
  socket.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString())));
  const { version } = channel.contract;
  socket.on('open', () =>
    socket.send(
      encodeClientFrame({
        ...{ type: 'connect', protocol: PROTOCOL_VERSION, session: 'a'.repeat(22), link: 1 },
        channels: [{ channel: channel.name, start: 'start', version }],
      }),
    ),
  );
  await until(() => frames.length >= 2, {
    label: 'the snapshot',
    details: () => JSON.stringify(frames),
  });
  await hub.publish(channel, { type: 'text-delta', data: { part: 1, text: 'live' } });
  await until(() => frames.some(({ type }) => type === 'events'), { label: 'the live tail' });
  await until(() => plain.events.some(({ data }) => data.includes('live')), { label: 'it there' });
  socket.close();
  expect(frames.map(({ type }) => type)).toEqual(['hello', 'verdict', 'events']);
  expect(plain.events.map(({ type }) => type)).toEqual(['snapshot', 'message']);
});

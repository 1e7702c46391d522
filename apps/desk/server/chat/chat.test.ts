// Spec A1, A2 and A4 over real HTTP: the stream, on demand, the pages, and that all three tell the same.

import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { readStream } from '../doctor/stream-reader.ts';
import { eventually } from '../testing/eventually.ts';
import { startTestDesk, type TestDesk } from '../testing/test-desk.ts';
import type { Phrasing } from './phrasing.ts';

let desk: TestDesk;
let slowMs = 0;
const slow: Phrasing = {
  name: 'slow',
  async write({ agentId, count }) {
    await new Promise((resolve) => setTimeout(resolve, slowMs));
    return Array.from({ length: count }, (_, n) => ({
      type: 'opinion' as const,
      content: `${agentId} thinks ${n}`,
    }));
  },
};
beforeAll(async () => {
  desk = await startTestDesk({ phrasing: slow, environment: { GENERATE_TIMEOUT_MS: '200' } });
});
afterAll(() => desk[Symbol.asyncDispose]());

const message = z.object({
  id: z.string(),
  agentId: z.string(),
  type: z.enum(['analysis', 'trade', 'opinion']),
  content: z.string().min(1),
  timestamp: z.iso.datetime(),
  isFallback: z.literal(true).optional(),
});
const generated = z.object({
  success: z.literal(true),
  messagesGenerated: z.number(),
  messages: z.array(message),
  timestamp: z.iso.datetime(),
});
const page = z.object({ messages: z.array(message), next: z.string(), hasMore: z.boolean() });

const generate = async () =>
  generated.parse(await (await desk.get('/api/chat/generate', { method: 'POST' })).json());
const read = async (query: string) =>
  page.parse(await (await desk.get(`/api/chat/messages?${query}`)).json());

/** Reads the stream until `count` messages came. */
async function follow(query: string, count: number, lastEventId?: string) {
  const abort = new AbortController();
  const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
  const response = await desk.get(`/api/chat/stream${query}`, { headers, signal: abort.signal });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  const seen: { id: string; data: z.infer<typeof message> }[] = [];
  const reading = (async () => {
    for await (const block of readStream(response.body!)) {
      if (block.kind !== 'event') continue;
      expect(block.event).toBe('message');
      seen.push({ id: block.id ?? '', data: message.parse(JSON.parse(block.data)) });
      if (seen.length === count) return;
    }
  })();
  return {
    async all() {
      await reading;
      abort.abort();
      return seen;
    },
  };
}

test('one call makes ten messages, which the stream, the pages and the answer show alike', async () => {
  const stream = await follow('', 10);
  const before = await read('limit=1');
  const { messages, messagesGenerated } = await generate();
  expect(messagesGenerated).toBe(10);
  const streamed = await stream.all();
  expect(streamed.map(({ data }) => data)).toEqual(messages);
  const after = await read(`after=${before.next}`);
  expect(after.messages).toEqual(messages);
  expect(after.next).toBe(streamed.at(-1)?.id);
  expect(after.hasMore).toBe(false);
});

test('the stream of chosen agents carries theirs only, and Last-Event-ID continues it without loss', async () => {
  const start = (await read('limit=1')).next;
  await generate();
  const first = await follow('?agentId=gemini_grid&agentId=buy_and_hold,deepseek_ml', 3, start);
  const seen = await first.all();
  const second = await follow('?agentId=gemini_grid,buy_and_hold,deepseek_ml', 3, seen.at(-1)?.id);
  const all = [...seen, ...(await second.all())];
  const stored = await read(`after=${start}&agentId=gemini_grid,buy_and_hold,deepseek_ml`);
  expect(all.map(({ data }) => data)).toEqual(stored.messages);
  expect(all).toHaveLength(6);
});

test('pages of a burst above the limit follow each other without loss or repetition', async () => {
  const start = (await read('limit=1')).next;
  const all = [...(await generate()).messages, ...(await generate()).messages].map(({ id }) => id);
  const seen: string[] = [];
  let next = start;
  for (let isMore = true; isMore; ) {
    const answer = await read(`after=${next}&limit=7`);
    expect(answer.messages.length).toBeLessThanOrEqual(7);
    seen.push(...answer.messages.map(({ id }) => id));
    next = answer.next;
    isMore = answer.hasMore;
  }
  expect(seen).toEqual(all);
});

test('without a place the newest messages come, oldest first', async () => {
  const { messages } = await generate();
  expect((await read('limit=4')).messages).toEqual(messages.slice(-4));
  const ofOne = (await read('agentId=buy_and_hold&limit=2')).messages;
  expect(ofOne).toEqual(messages.filter(({ agentId }) => agentId === 'buy_and_hold'));
});

test('calls at once join: everybody gets the same ten', async () => {
  slowMs = 50;
  const [one, two] = await Promise.all([generate(), generate()]);
  slowMs = 0;
  expect(two).toEqual(one);
});

test('slow agents fall back to the built-in phrasing, marked so in the answer and on the stream', async () => {
  slowMs = 60_000;
  const stream = await follow('', 10);
  const { messages } = await generate();
  slowMs = 0;
  expect(messages).toHaveLength(10);
  expect(messages.every(({ isFallback }) => isFallback === true)).toBe(true);
  expect((await stream.all()).every(({ data }) => data.isFallback === true)).toBe(true);
});

test('heartbeats come at the asked beat, also while messages flow', async () => {
  const response = await desk.get('/api/chat/stream?beat=1000');
  const kinds: string[] = [];
  for await (const block of readStream(response.body!)) {
    if (block.kind === 'comment' && block.text !== 'heartbeat') continue;
    kinds.push(block.kind);
    if (kinds.length === 1) await generate();
    if (kinds.length === 12) break;
  }
  expect(kinds).toEqual(['comment', ...Array(10).fill('event'), 'comment']);
});

test('after a restart the messages are there, and a place from before still counts', async () => {
  const start = (await read('limit=1')).next;
  const { messages } = await generate();
  await desk.restart();
  expect((await read(`after=${start}`)).messages).toEqual(messages);
  const more = await generate();
  expect((await read(`after=${start}`)).messages).toEqual([...messages, ...more.messages]);
});

test('agents speak by themselves when they are let', async () => {
  await desk.restart({ CHAT_EVERY_MS: '100' });
  const start = (await read('limit=1')).next;
  const speakers = await eventually('each agent spoke', async () => {
    const { messages } = await read(`after=${start}&limit=200`);
    const ids = new Set(messages.map(({ agentId }) => agentId));
    return ids.size === 5 && ids;
  });
  expect(speakers).toContain('buy_and_hold');
});

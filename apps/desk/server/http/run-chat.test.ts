// Spec E1 from outside, as `curl` and a native EventSource meet it.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ChatMessagesAnswer, TicketAnswer } from '../../shared/chat-api.ts';
import { type ChatDesk, eventsIn, scriptedAnalyst, startChatDesk } from '../testing/chat-desk.ts';
import { eventually } from '../testing/eventually.ts';

let desk: ChatDesk;
const analyst = scriptedAnalyst(
  (question) => (question.startsWith('Wait') ? null : ['It ', 'made ', '23.']),
  { usesTool: true },
);
beforeAll(async () => {
  desk = await startChatDesk({ analyst });
});
afterAll(() => desk[Symbol.asyncDispose]());

const asked = (message: string): string =>
  `${desk.run}/chat-stream?message=${encodeURIComponent(message)}`;

async function historyOf(user: string): Promise<ChatMessagesAnswer['messages']> {
  const answer = await desk.ask(user, `${desk.run}/chat-history`);
  return ((await answer.json()) as ChatMessagesAnswer).messages;
}

function lastIdOf(text: string): string {
  return (
    text
      .split('\n')
      .findLast((line) => line.startsWith('id: '))
      ?.slice(4) ?? ''
  );
}

test('CHAT-1, CHAT-3: a question is answered with tokens, tools and an end, and both are in the history, tool and all', async () => {
  const response = await desk.ask('ada', asked('How did it go?'));
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const text = await response.text();
  const events = eventsIn(text);
  expect(events[0]).toMatchObject({ type: 'accepted' });
  expect(events.filter(({ type }) => type === 'tool')).toMatchObject([
    { tool: 'count_trades', status: 'called', input: { n: 1 } },
    { tool: 'count_trades', status: 'done', output: { data: { trades: 23 } } },
  ]);
  expect(events.at(-1)).toMatchObject({ type: 'done', content: 'It made 23.' });
  const tokens = events.filter(({ type }) => type === 'token').map(({ content }) => content);
  expect(tokens.join('')).toBe('It made 23.');

  const messages = await historyOf('ada');
  expect(messages).toMatchObject([
    { role: 'user', text: 'How did it go?', sequence: 1 },
    { role: 'assistant', text: 'It made 23.', status: 'completed', sequence: 2 },
  ]);
  expect(messages[1]?.parts).toContainEqual(
    expect.objectContaining({
      ...{ type: 'tool', name: 'count_trades', input: { n: 1 } },
      output: { text: 'There are 23.', data: { trades: 23 } },
    }),
  );

  // Who comes back is told nothing twice, and starts nothing.
  const again = await desk.ask('ada', asked('How did it go?'), {
    headers: { 'last-event-id': lastIdOf(text) },
  });
  expect(again.status).toBe(204);
  const middle = text.split('\n').find((line) => line.startsWith('id: ') && !line.endsWith('~'));
  const rest = await desk.ask('ada', asked('How did it go?'), {
    headers: { 'last-event-id': middle?.slice(4) ?? '' },
  });
  expect(eventsIn(await rest.text()).at(-1)).toMatchObject({ type: 'done' });
  expect(await historyOf('ada')).toHaveLength(2);
});

test('CHAT-1, CHAT-3: the same question while it is being answered is that answer; stopping ends it, and keeps it out of the history', async () => {
  const leave = new AbortController();
  const first = await desk.ask('bob', asked('Wait for it'), { signal: leave.signal });
  expect(first.status).toBe(200);
  const second = await desk.ask('bob', asked('Wait for it'));
  leave.abort();
  const stopped = await desk.ask('bob', `${desk.run}/chat-stop`, { body: {} });
  expect(await stopped.json()).toEqual({ stopped: true });
  expect(eventsIn(await second.text()).at(-1)).toEqual({ type: 'stopped', by: 'bob' });
  expect(await historyOf('bob')).toMatchObject([{ role: 'user', text: 'Wait for it' }]);
  const again = await desk.ask('bob', `${desk.run}/chat-stop`, { body: {} });
  expect(await again.json()).toEqual({ stopped: false });
});

test('CHAT-2: a GET of a page of another site starts nothing, one with a ticket does, once', async () => {
  const bare = { method: 'GET', headers: { 'sec-fetch-site': 'none' } };
  expect((await desk.get(asked('A page asks'), bare)).status).toBe(403);
  const made = await desk.ask('cleo', `${desk.run}/chat-ticket`, { method: 'POST' });
  const { ticket, expiresAt } = (await made.json()) as TicketAnswer;
  expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now());
  const url = `${asked('By ticket')}&ticket=${ticket}`;
  const [one, other] = await Promise.all([desk.get(url, bare), desk.get(url, bare)]);
  expect(eventsIn(await one.text()).at(-1)).toMatchObject({ type: 'done' });
  expect(eventsIn(await other.text()).at(-1)).toMatchObject({ type: 'done' });
  expect(eventsIn(await (await desk.get(url, bare)).text()).at(-1)).toMatchObject({ type: 'done' });
  expect(await historyOf('cleo')).toHaveLength(2);
  const elsewhere = url.replace(desk.modelId, 'gemini_grid');
  expect((await desk.get(elsewhere, bare)).status).toBe(401);
  expect((await desk.get(`${asked('x')}&ticket=mt_none`, bare)).status).toBe(401);
});

test('CHAT-2: of tickets that nobody uses the newest hundred are kept', async () => {
  const make = async (): Promise<string> => {
    const made = await desk.ask('gina', `${desk.run}/chat-ticket`, { method: 'POST' });
    return ((await made.json()) as TicketAnswer).ticket;
  };
  const first = await make();
  for (let more = 0; more < 99; more += 1) await make();
  const statusOf = async (ticket: string) =>
    (await desk.get(`${desk.run}/chat-stream?ticket=${ticket}`)).status;
  expect(await statusOf(first)).toBe(204);
  const last = await make();
  expect([await statusOf(first), await statusOf(last)]).toEqual([401, 204]);
});

test('CHAT-2: a ticket that joined an answer asks nothing anew behind its end', async () => {
  await desk.ask('finn', asked('Wait a little')).then((response) => response.body?.cancel());
  const made = await desk.ask('finn', `${desk.run}/chat-ticket`, { method: 'POST' });
  const { ticket } = (await made.json()) as TicketAnswer;
  const url = `${asked('Wait a little')}&ticket=${ticket}`;
  const joined = await desk.get(url);
  await desk.ask('finn', `${desk.run}/chat-stop`, { body: {} });
  const stopped = { type: 'stopped', by: 'finn' };
  expect(eventsIn(await joined.text()).at(-1)).toEqual(stopped);
  const again = await desk.get(url, { signal: AbortSignal.timeout(10_000) });
  expect(eventsIn(await again.text()).at(-1)).toEqual(stopped);
  expect(await historyOf('finn')).toHaveLength(1);
});

test('CHAT-1: in development a bare curl starts an answer; without a question it only joins', async () => {
  expect((await desk.get(`${desk.run}/chat-stream`)).status).toBe(204);
  const text = await (await desk.get(asked('curl'))).text();
  expect(eventsIn(text).at(-1)).toMatchObject({ type: 'done' });
});

test('the fallback without a stream has the answer, and a repeated key is the same one', async () => {
  const headers = { 'idempotency-key': 'once' };
  const body = { message: 'Shortly, please' };
  const [one, other] = await Promise.all([
    desk.ask('dora', `${desk.run}/chat`, { body, headers }),
    desk.ask('dora', `${desk.run}/chat`, { body, headers }),
  ]);
  const answer = await one.json();
  expect(answer).toMatchObject({ response: 'It made 23.', suggested_rules: [] });
  expect(await other.json()).toEqual(answer);
  expect(await historyOf('dora')).toHaveLength(2);
});

test('CHAT-3: the conversation survives a restart, and its last messages are the context of the next question', async () => {
  await desk.ask('eve', `${desk.run}/chat`, { body: { message: 'First' } });
  await desk.restart();
  await desk.ask('eve', `${desk.run}/chat`, { body: { message: 'Second' } });
  const call = analyst.model.doStreamCalls.findLast(({ prompt }) =>
    JSON.stringify(prompt).includes('Second'),
  );
  const said = call?.prompt.filter(({ role }) => role !== 'tool').map(({ role }) => role);
  expect(said?.slice(0, 4)).toEqual(['system', 'user', 'assistant', 'user']);
  expect(JSON.stringify(call?.prompt[0])).toMatch(/run: #1 .*starting cash/);
  await eventually('four messages', async () => (await historyOf('eve')).length === 4);
});

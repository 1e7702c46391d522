// Chats by the native endpoints, as the hooks use them: start, stop, answer again, go on, rename; and what settings change.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ChatMessagesAnswer, ChatRunAnswer, ChatSession } from '../../shared/chat-api.ts';
import type { ModelAnswer } from '../../shared/trading.ts';
import { type ChatDesk, scriptedAnalyst, startChatDesk } from '../testing/chat-desk.ts';
import { eventually } from '../testing/eventually.ts';

let desk: ChatDesk;
let answers = 0;
beforeAll(async () => {
  desk = await startChatDesk({
    analyst: scriptedAnalyst(
      (question) => {
        answers += 1;
        if (question.startsWith('Slowly')) return Array.from({ length: 200 }, () => 'word ');
        return question.startsWith('Wait') ? null : [`Answer ${answers}.`];
      },
      { everyMs: 20 },
    ),
  });
});
afterAll(() => desk[Symbol.asyncDispose]());

async function newChat(user: string, more: object = {}): Promise<ChatSession> {
  const body = { modelId: desk.modelId, runId: 'latest', ...more };
  const response = await desk.ask(user, '/api/chat/sessions', { body });
  expect(response.status).toBe(201);
  return (await response.json()) as ChatSession;
}

async function run(user: string, chat: string, body: object): Promise<ChatRunAnswer> {
  const response = await desk.ask(user, `/api/chat/${chat}/runs`, { body });
  expect(response.status).toBe(202);
  return (await response.json()) as ChatRunAnswer;
}

async function messagesOf(user: string, chat: string): Promise<ChatMessagesAnswer['messages']> {
  const response = await desk.ask(user, `/api/chat/${chat}/messages`);
  return ((await response.json()) as ChatMessagesAnswer).messages;
}

const untilSaid = (user: string, chat: string, count: number) =>
  eventually('the messages', async () => {
    const messages = await messagesOf(user, chat);
    return messages.length === count && messages;
  });

test('CHAT-3: a start is one for its key, and a second one waits; each question has its own answer', async () => {
  const { id, title } = await newChat('ada');
  expect(title).toBe('');
  const first = await run('ada', id, { text: 'One?', key: 'k1', messageId: 'm1' });
  expect(await run('ada', id, { text: 'One?', key: 'k1', messageId: 'm1' })).toEqual(first);
  // Answered without being stored, it would be in no history.
  const taken = { text: 'Another?', messageId: 'm1', overlap: 'queue' };
  expect((await desk.ask('ada', `/api/chat/${id}/runs`, { body: taken })).status).toBe(409);
  const second = await run('ada', id, { text: 'Two?', overlap: 'queue' });
  const messages = await untilSaid('ada', id, 4);
  expect(messages.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
  const answerOf = ({ runId }: ChatRunAnswer) =>
    messages.find((message) => message.role === 'assistant' && message.runId === runId)?.id;
  expect(answerOf(first)).toBe(first.messageId);
  expect(answerOf(second)).toBe(second.messageId);
  const listed = await (await desk.ask('ada', '/api/chat/sessions')).json();
  expect(listed).toMatchObject({ sessions: [{ id, title: 'One?' }] });
  const renamed = await desk.ask('ada', `/api/chat/sessions/${id}`, {
    ...{ method: 'PATCH', body: { title: 'My chat' } },
  });
  expect(await renamed.json()).toMatchObject({ id, title: 'My chat' });
});

test('another question is refused while one is answered, unless it says otherwise', async () => {
  const { id } = await newChat('bob');
  const first = await run('bob', id, { text: 'Wait' });
  const busy = await desk.ask('bob', `/api/chat/${id}/runs`, { body: { text: 'And?' } });
  expect(busy.status).toBe(409);
  expect(await busy.json()).toMatchObject({ error: { details: { runId: first.runId } } });
  // The answer that the page shows, and no other one.
  const other = await desk.ask('bob', `/api/chat/${id}/stop`, { body: { messageId: 'another' } });
  expect(await other.json()).toEqual({ stopped: false });
  const stop = await desk.ask('bob', `/api/chat/${id}/stop`, {
    body: { messageId: first.messageId },
  });
  expect(await stop.json()).toEqual({ stopped: true });
});

test('answering again replaces the answer; a failed try leaves the one that stands', async () => {
  const { id } = await newChat('cleo');
  const first = await run('cleo', id, { text: 'Why?' });
  await untilSaid('cleo', id, 2);
  const again = await desk.ask('cleo', `/api/chat/${id}/retry`, { body: { runId: first.runId } });
  const { messageId } = (await again.json()) as ChatRunAnswer;
  await eventually('the new answer', async () =>
    (await messagesOf('cleo', id)).some((message) => message.id === messageId),
  );
  expect((await messagesOf('cleo', id)).map(({ role }) => role)).toEqual(['user', 'assistant']);
  const stopped = await desk.ask('cleo', `/api/chat/${id}/retry`, { body: {} });
  const { runId } = (await stopped.json()) as ChatRunAnswer;
  await desk.ask('cleo', `/api/chat/${id}/stop`, { body: { runId } });
  const next = await run('cleo', id, { text: 'And then?', overlap: 'queue' });
  const messages = await eventually('the next answer', async () => {
    const all = await messagesOf('cleo', id);
    return all.some((message) => message.id === next.messageId) && all;
  });
  expect(messages).toHaveLength(4);
});

test('CHAT-3: a model that is deleted takes its chats with it, what is being answered too', async () => {
  const made = await desk.ask('gwen', '/api/models', { body: { name: 'Short', strategy: 'hold' } });
  const { model } = (await made.json()) as ModelAnswer;
  const { id } = await newChat('gwen', { modelId: model.id, runId: null });
  const { runId } = await run('gwen', id, { text: 'Wait for it' });
  const watch = (channel: string): Promise<Response> =>
    desk.ask('gwen', `/realtime/events?channel=${channel}`, {
      signal: AbortSignal.timeout(10_000),
    });
  await (await watch(`ai_run:${runId}`)).body?.cancel();
  const gone = await desk.ask('gwen', `/api/models/${model.id}`, { method: 'DELETE' });
  expect(gone.status).toBe(204);
  expect((await watch(`ai_run:${runId}`)).status).toBe(403);
  expect((await desk.ask('gwen', `/api/chat/${id}/messages`)).status).toBe(404);
});

test('CHAT-3: what was stopped is in no history, and goes on when it is asked to', async () => {
  const { id } = await newChat('dora');
  const { runId } = await run('dora', id, { text: 'Slowly, please' });
  await eventually('its first words', async () => {
    const path = `/api/chat/${id}/stream`;
    const halt = new AbortController();
    const stream = (await desk.ask('dora', path, { signal: halt.signal })).body;
    const reader = stream?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (let count = 0; count < 4 && !text.includes('word'); count += 1) {
      text += (await reader?.read())?.value ?? '';
    }
    halt.abort();
    return text.includes('word');
  });
  await desk.ask('dora', `/api/chat/${id}/stop`, { body: { runId } });
  expect(await messagesOf('dora', id)).toMatchObject([{ role: 'user' }]);
  const on = await desk.ask('dora', `/api/chat/${id}/retry`, { body: { runId, continues: true } });
  expect(on.status).toBe(202);
  await desk.ask('dora', `/api/chat/${id}/stop`, { body: {} });
});

test('CHAT-3: a setting keeps what was stopped, and marks it', async () => {
  await desk.restart({ KEEP_STOPPED: 'on' });
  const { id } = await newChat('eve');
  const { runId } = await run('eve', id, { text: 'Slowly, please' });
  await eventually('its first words', async () => {
    const response = await desk.ask('eve', `/realtime/events?channel=ai_run:${runId}`, {
      signal: AbortSignal.timeout(5_000),
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (let count = 0; count < 20 && !text.includes('word'); count += 1) {
      text += (await reader?.read())?.value ?? '';
    }
    await reader?.cancel();
    return text.includes('word');
  });
  await desk.ask('eve', `/api/chat/${id}/stop`, { body: { runId } });
  const [, kept] = await untilSaid('eve', id, 2);
  expect(kept).toMatchObject({ role: 'assistant', status: 'stopped' });
});

// The AI SDK's own transport and message reader against Desk, unmodified.

import { DefaultChatTransport, readUIMessageStream, type UIMessage } from 'ai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ChatMessagesAnswer, ChatSession } from '../../shared/chat-api.ts';
import { type ChatDesk, scriptedAnalyst, startChatDesk } from '../testing/chat-desk.ts';
import { eventually } from '../testing/eventually.ts';

let desk: ChatDesk;
let count = 0;
beforeAll(async () => {
  desk = await startChatDesk({
    analyst: scriptedAnalyst(
      (question) => (question.startsWith('Wait') ? null : [`Answer ${(count += 1)} `, 'to it.']),
      { usesTool: true },
    ),
  });
});
afterAll(() => desk[Symbol.asyncDispose]());

function chatOf(id: string, user: string) {
  const transport = new DefaultChatTransport<UIMessage>({
    api: '/api/chat',
    fetch: (path, init) => {
      const { method = 'GET', body, headers, signal } = init ?? {};
      return desk.ask(user, typeof path === 'string' ? path : '', {
        method,
        headers: Object.fromEntries(new Headers(headers)),
        ...(typeof body === 'string' ? { body: JSON.parse(body) as unknown } : {}),
        ...(signal ? { signal } : {}),
      });
    },
  });
  const read = async (stream: ReadableStream): Promise<UIMessage | undefined> => {
    let last: UIMessage | undefined;
    for await (const message of readUIMessageStream({ stream })) last = message;
    return last;
  };
  return {
    async send(messages: UIMessage[], more: { messageId?: string; body?: object } = {}) {
      const { messageId, body } = more;
      const stream = await transport.sendMessages({
        ...{ trigger: 'submit-message', chatId: id, messages, messageId, abortSignal: undefined },
        ...(body === undefined ? {} : { body }),
      });
      return { stream, message: () => read(stream) };
    },
    async regenerate(messages: UIMessage[], messageId: string) {
      const stream = await transport.sendMessages({
        ...{ trigger: 'regenerate-message', chatId: id, messages, messageId },
        abortSignal: undefined,
      });
      return read(stream);
    },
    async resume() {
      const stream = await transport.reconnectToStream({ chatId: id });
      return stream === null ? null : read(stream);
    },
    async stored() {
      const answer = await desk.ask(user, `/api/chat/${id}/messages`);
      return ((await answer.json()) as ChatMessagesAnswer).messages;
    },
  };
}

const said = (id: string, text: string): UIMessage => ({
  ...{ id, role: 'user', parts: [{ type: 'text', text }] },
});
const textOf = (message: UIMessage | undefined | null): string =>
  (message?.parts ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('');

test('CHAT-5: a chat with an id of the page’s own is made with what it is about, and survives', async () => {
  const chat = chatOf('page-made-id-0001', 'ada');
  const body = { modelId: desk.modelId, runId: 'latest' };
  const first = await (await chat.send([said('q1', 'Why?')], { body })).message();
  expect(textOf(first)).toMatch(/^Answer \d+ to it\.$/);
  const stored = await chat.stored();
  expect(stored.map(({ id }) => id)).toEqual(['q1', first?.id]);
  const sessions = await desk.ask('ada', `/api/chat/sessions?modelId=${desk.modelId}&runId=latest`);
  const {
    sessions: [session],
  } = (await sessions.json()) as { sessions: ChatSession[] };
  expect(session).toMatchObject({ id: 'page-made-id-0001', title: 'Why?' });
  // The same request once more, after its answer got lost.
  const again = await (await chat.send([said('q1', 'Why?')])).message();
  expect(again?.id).toBe(first?.id);
  expect(await chat.stored()).toHaveLength(2);
  expect(await chat.resume()).toMatchObject({ id: first?.id });
});

test('CHAT-5: regenerating replaces the answer, editing replaces the question and what came after it', async () => {
  const chat = chatOf('page-made-id-0002', 'ada');
  const first = await (await chat.send([said('q1', 'One?')])).message();
  const anew = await chat.regenerate([said('q1', 'One?')], first?.id ?? '');
  expect(textOf(anew)).not.toBe(textOf(first));
  expect((await chat.stored()).map(({ id }) => id)).toEqual(['q1', anew?.id]);
  const edited = await (await chat.send([said('q1', 'Two?')], { messageId: 'q1' })).message();
  const stored = await chat.stored();
  expect(stored.map(({ id, text }) => [id, text])).toEqual([
    ['q1', 'Two?'],
    [edited?.id, textOf(edited)],
  ]);
});

test('an answer under way is resumed, and stopped from elsewhere', async () => {
  const chat = chatOf('page-made-id-0003', 'bob');
  const asked = await chat.send([said('q1', 'Wait')]);
  const resumed = chat.resume();
  const stopped = await eventually('a stop', async () => {
    const answer = await desk.ask('bob', '/api/chat/page-made-id-0003/stop', { body: {} });
    return ((await answer.json()) as { stopped: boolean }).stopped;
  });
  expect(stopped).toBe(true);
  await asked.message();
  await resumed;
  expect(await chat.stored()).toMatchObject([{ role: 'user' }]);
});

test('CHAT-4: a chat of somebody else is not there, whatever is tried with its id', async () => {
  const chat = chatOf('page-made-id-0004', 'ada');
  await (await chat.send([said('q1', 'Mine')])).message();
  const theirs = chatOf('page-made-id-0004', 'eve');
  await expect(theirs.send([said('q2', 'Yours?')])).rejects.toThrow('There is no such chat');
  await expect(theirs.resume()).rejects.toThrow('There is no such chat');
  expect(await chat.stored()).toHaveLength(2);
});

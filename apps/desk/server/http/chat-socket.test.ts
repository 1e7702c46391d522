// The AI SDK's own socket transport against `/api/chat/ws`, and who gets in there; AG-UI's input over HTTP.

import { readUIMessageStream, type UIMessage, WebSocketChatTransport } from 'ai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createTokens } from '../identity/tokens.ts';
import { type ChatDesk, eventsIn, scriptedAnalyst, startChatDesk } from '../testing/chat-desk.ts';
import { startTestDesk } from '../testing/test-desk.ts';

let desk: ChatDesk;
beforeAll(async () => {
  desk = await startChatDesk({ analyst: scriptedAnalyst(() => ['It ', 'made ', '23.']) });
});
afterAll(() => desk[Symbol.asyncDispose]());

const question = { id: 'q1', role: 'user', parts: [{ type: 'text', text: 'Why?' }] } as const;

test('CHAT-5: ai 7 asks and reads over a socket, and resumes there', async () => {
  const transport = new WebSocketChatTransport<UIMessage>({
    url: `${desk.address.replace('http', 'ws')}/api/chat/ws`,
  });
  const chatId = 'page-made-id-0101';
  const read = async (stream: ReadableStream): Promise<UIMessage | undefined> => {
    let last: UIMessage | undefined;
    for await (const message of readUIMessageStream({ stream })) last = message;
    return last;
  };
  const message = await read(
    await transport.sendMessages({
      ...{ trigger: 'submit-message', chatId, messageId: undefined, abortSignal: undefined },
      messages: [{ ...question, parts: [...question.parts] }],
      body: { modelId: desk.modelId, runId: 'latest' },
    }),
  );
  expect(message?.parts).toContainEqual(expect.objectContaining({ text: 'It made 23.' }));
  const stream = await transport.reconnectToStream({ chatId });
  expect(stream === null ? null : (await read(stream))?.id).toBe(message?.id);
});

test('in production a socket needs a sign-in and its page’s origin', async () => {
  const environment = {
    ...{ NODE_ENV: 'production', SESSION_SECRET: 'session-secret-of-the-test' },
    TRUST_PROXY: '127.0.0.1',
  };
  await using production = await startTestDesk({ environment });
  const open = (headers: Record<string, string>): Promise<string> =>
    new Promise((resolve) => {
      const url = `${production.address.replace('http', 'ws')}/api/chat/ws`;
      const socket = new WebSocket(url, { headers: { 'x-forwarded-proto': 'https', ...headers } });
      socket.once('open', () => resolve('open'));
      socket.once('error', (error) => resolve(error.message));
    });
  expect(await open({})).toContain('401');
  const user = { id: 'ada', name: 'Ada', isAdmin: false };
  const { token } = await createTokens(environment.SESSION_SECRET).sign(user, 'desk-session');
  const authorization = `Bearer ${token}`;
  expect(await open({ authorization, origin: 'https://evil.example' })).toContain('403');
  expect(await open({ authorization })).toBe('open');
});

test('an AG-UI client is answered by its own run id, and once for each', async () => {
  const body = {
    ...{ threadId: 'a-thread-of-agui-01', runId: 'client-run-1', protocolVersion: '1.0' },
    messages: [{ id: 'q1', role: 'user', content: 'Why?' }],
    ...{ state: {}, tools: [], context: [], forwardedProps: {} },
  };
  const path = `/api/agui?modelId=${desk.modelId}&runId=latest`;
  const events = eventsIn(await (await desk.ask('bea', path, { body })).text());
  expect(events[0]).toMatchObject({ type: 'RUN_STARTED', runId: 'client-run-1' });
  expect(events.at(-1)).toMatchObject({ type: 'RUN_FINISHED', runId: 'client-run-1' });
  const again = eventsIn(await (await desk.ask('bea', path, { body })).text());
  const idIn = (of: typeof events) =>
    of.find(({ type }) => type === 'TEXT_MESSAGE_START')?.['messageId'];
  expect(idIn(again)).toBe(idIn(events));
  const anew = { ...body, runId: 'client-run-2' };
  expect(idIn(eventsIn(await (await desk.ask('bea', path, { body: anew })).text()))).not.toBe(
    idIn(events),
  );
  const { messages } = (await (
    await desk.ask('bea', '/api/chat/a-thread-of-agui-01/messages')
  ).json()) as {
    messages: unknown[];
  };
  expect(messages).toHaveLength(2);
  expect((await desk.ask('eve', path, { body })).status).toBe(404);
});

// The chat server, read by the AI SDK's own transport: asked, left and come back to, stopped from elsewhere.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { PGlite } from '@electric-sql/pglite';
import { pgliteDatabase } from '@millrace/server/postgres';
import { readyPglite } from '@millrace/server/testing/servers';
import { DefaultChatTransport, readUIMessageStream, type UIMessage, type UIMessageChunk } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createChat } from './chat-server.ts';

let stack: AsyncDisposableStack;
let api: string;
/** What the model says next; the last of it never comes before it is called. */
let say: (text: string | null) => void;
let prompts: string[][];

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  prompts = [];
  const model = new MockLanguageModelV4({
    doStream({ prompt, abortSignal }) {
      prompts.push(prompt.map(({ content }) => JSON.stringify(content)));
      const stream = new ReadableStream({
        start(controller) {
          abortSignal?.addEventListener('abort', () => controller.error(abortSignal.reason));
          controller.enqueue({ type: 'text-start', id: '0' });
          say = (text) => {
            if (text !== null)
              return controller.enqueue({ type: 'text-delta', id: '0', delta: text });
            controller.enqueue({ type: 'text-end', id: '0' });
            controller.enqueue({
              type: 'finish',
              finishReason: { unified: 'stop', raw: 'stop' },
              usage,
            });
            controller.close();
          };
          said.resolve();
        },
      });
      return Promise.resolve({ stream });
    },
  });
  const database = pgliteDatabase(stack.adopt(await readyPglite(PGlite), (one) => one.close()));
  const { server } = stack.use(await createChat(database, model));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => server.closeAllConnections());
  api = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/chat`;
});

afterEach(() => stack.disposeAsync());

let said = Promise.withResolvers<void>();
const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 1, text: 1, reasoning: undefined },
};

async function ask(text: string, signal?: AbortSignal): Promise<ReadableStream<UIMessageChunk>> {
  said = Promise.withResolvers();
  const message: UIMessage = { id: text, role: 'user', parts: [{ type: 'text', text }] };
  const stream = await new DefaultChatTransport({ api }).sendMessages({
    ...{ chatId: 'c1', messages: [message], trigger: 'submit-message', messageId: undefined },
    abortSignal: signal,
  });
  await said.promise;
  return stream;
}

async function read(stream: ReadableStream<UIMessageChunk> | null): Promise<string> {
  let text = '';
  if (stream === null) return 'nothing';
  for await (const { parts } of readUIMessageStream({ stream, onError: () => undefined })) {
    text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
  }
  return text;
}

const resume = () => new DefaultChatTransport({ api }).reconnectToStream({ chatId: 'c1' });

it('answers on after the request is gone; who comes back, and who comes from elsewhere, have all of it', async () => {
  const halt = new AbortController();
  const first = read(await ask('Why?', halt.signal)).catch(() => 'left');
  say('Because ');
  halt.abort();
  expect(await first).not.toBe('Because it is.');
  const back = [read(await resume()), read(await resume())];
  say('it is.');
  say(null);
  expect(await Promise.all(back)).toEqual(['Because it is.', 'Because it is.']);
  expect(await read(await resume())).toBe('Because it is.');
});

it('stops from anywhere, and takes neither the question nor the partial answer for an answer', async () => {
  const [seen, shown] = (await ask('Why?')).tee();
  const first = read(shown);
  const { value: start } = await seen.getReader().read();
  const messageId = start?.type === 'start' ? (start.messageId ?? '') : '';
  say('Because ');
  const stop = (message: string) =>
    fetch(`${api}/c1/stop`, { method: 'POST', body: JSON.stringify({ messageId: message }) });
  await stop('another');
  await stop(messageId);
  expect(await first).toBe('Because ');
  const second = read(await ask('How?'));
  say('So.');
  say(null);
  expect(await second).toBe('So.');
  expect(prompts[1]?.join()).toContain('Why?');
  expect(prompts[1]?.join()).not.toContain('Because');
});

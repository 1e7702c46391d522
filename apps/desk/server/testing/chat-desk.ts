// What tests of chats need: a Desk whose analyst does as it is told, a run on its Floor to talk about, and people.

import { type LanguageModel, simulateReadableStream, type ToolSet, tool } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import * as z from 'zod';
import { createTokens } from '../identity/tokens.ts';
import type { Analyst } from '../run-chat/analyst.ts';
import { eventually } from './eventually.ts';
import { startTestDesk, type TestDesk, type TestDeskOptions } from './test-desk.ts';

const SESSION_SECRET = 'session-secret-of-the-test';

/** One that says this, a word each `everyMs`, after calling its one tool; null says nothing until it is aborted. */
export function scriptedAnalyst(
  words: (question: string) => readonly string[] | null,
  options: { readonly everyMs?: number; readonly usesTool?: boolean } = {},
): Analyst & { readonly model: MockLanguageModelV4 } {
  const { everyMs = 0, usesTool = false } = options;
  const usage = {
    inputTokens: { total: 10, noCache: 10, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: 4, text: 4, reasoning: undefined },
  };
  const finish = (reason: 'stop' | 'tool-calls') =>
    ({ type: 'finish', finishReason: { unified: reason, raw: reason }, usage }) as const;
  const model = new MockLanguageModelV4({
    modelId: 'built-in-analyst',
    doStream({ prompt, abortSignal }) {
      const last = prompt.at(-1);
      if (usesTool && last?.role === 'user') {
        const chunks = [
          {
            type: 'tool-call',
            toolCallId: 't1',
            toolName: 'count_trades',
            input: '{"n":1}',
          } as const,
          finish('tool-calls'),
        ];
        return Promise.resolve({ stream: simulateReadableStream({ chunks }) });
      }
      const asked = prompt.findLast(({ role }) => role === 'user')?.content;
      const text = Array.isArray(asked) && asked[0]?.type === 'text' ? asked[0].text : '';
      const said = words(text);
      if (said === null) {
        const stream = new ReadableStream<never>({
          start(controller) {
            abortSignal?.addEventListener('abort', () => controller.error(abortSignal.reason));
          },
        });
        return Promise.resolve({ stream });
      }
      const chunks = [
        { type: 'text-start', id: '0' } as const,
        ...said.map((delta) => ({ type: 'text-delta', id: '0', delta }) as const),
        { type: 'text-end', id: '0' } as const,
        finish('stop'),
      ];
      return Promise.resolve({
        stream: simulateReadableStream({ chunks, chunkDelayInMs: everyMs }),
      });
    },
  });
  const tools: ToolSet = {
    count_trades: tool({
      inputSchema: z.object({ n: z.number() }),
      execute: () => ({ text: 'There are 23.', data: { trades: 23 } }),
    }),
  };
  return { model: model satisfies LanguageModel, tools: () => (usesTool ? tools : {}) };
}

export interface ChatDesk extends TestDesk {
  /** The first agent's model. */
  readonly modelId: string;
  /** `/api/models/…/runs/latest` */
  readonly run: string;
  /** As that person; `body` as JSON. */
  ask(as: string, path: string, init?: Asked): Promise<Response>;
}

export interface Asked {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export async function startChatDesk(options: TestDeskOptions = {}): Promise<ChatDesk> {
  const desk = await startTestDesk({
    ...options,
    environment: { SESSION_SECRET, MARKET_SAVE_TICKS: '1', ...options.environment },
  });
  const modelId = 'chatgpt_openai';
  const run = `/api/models/${modelId}/runs/latest`;
  async function ask(as: string, path: string, init: Asked = {}): Promise<Response> {
    const { method = init.body === undefined ? 'GET' : 'POST', body, headers, signal } = init;
    const user = { id: as, name: as, isAdmin: false };
    const { token } = await createTokens(SESSION_SECRET).sign(user, 'desk-session');
    return desk.get(path, {
      method,
      headers: {
        ...(as === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  }
  await eventually(
    'a run on the Floor',
    async () => (await ask('somebody', `${run}/chat-history`)).status === 200,
  );
  return {
    ...desk,
    modelId,
    run,
    ask,
    get address() {
      return desk.address;
    },
    get hub() {
      return desk.hub;
    },
  };
}

/** The JSON of each `data:` line. */
export function eventsIn(text: string): readonly Readonly<Record<string, unknown>>[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => JSON.parse(line.slice(6)) as Record<string, unknown>);
}

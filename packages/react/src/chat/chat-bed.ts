// A server of conversations in memory, for the tests of `useChat`: its routes as a `fetch`, its channels on a fake link.

import type { FakeLink } from '@millrace/client/testing';
import { aiRuns, conversations, type FinalStatus, type RunPart } from '@millrace/protocol/runs';
import { type JsonObject, parseJsonObject } from '@millrace/protocol/wire';

export interface StoredMessage {
  readonly id: string;
  readonly role: 'user' | 'assistant';
  readonly parts: readonly RunPart[];
  readonly text: string;
  readonly status: 'completed' | 'stopped';
  runId: string;
  readonly createdAt: string;
  readonly sequence: number;
}

export interface ChatBed {
  readonly fetch: typeof fetch;
  /** `POST runs {"text":…}` and so on, oldest first. */
  readonly asked: readonly string[];
  readonly stored: StoredMessage[];
  /** Requests are refused, as by a network that is away, while it is false. */
  isUp: boolean;
  /** Answers to requests wait while it is true; `release` lets them go. */
  isHolding: boolean;
  release(): void;
  /** Accepts a question, as for another device. Returns the run's id. */
  accept(text: string, from?: { questionId?: string; retryOf?: string }): string;
  begin(runId: string): void;
  write(runId: string, text: string): void;
  /** A completed answer is stored before anybody hears of its end. */
  end(runId: string, status?: FinalStatus): void;
}

const CONVERSATION = { conversationId: 'c1' };
const NO_USAGE = { inputTokens: 0, outputTokens: 0, isEstimated: false };

export function createChatBed(link: FakeLink): ChatBed {
  const asked: string[] = [];
  const stored: StoredMessage[] = [];
  const texts = new Map<string, string>();
  const questions = new Map<string, { id: string; text: string }>();
  let held: (() => void)[] = [];
  let count = 0;

  function store(role: StoredMessage['role'], id: string, text: string, runId: string): void {
    const parts = [{ type: 'text', text, isDone: true, provider: null }] as const;
    const createdAt = '2026-01-02T03:04:05.000Z';
    const sequence = stored.length + 1;
    stored.push({ id, role, parts, text, status: 'completed', runId, createdAt, sequence });
  }

  function accept(text: string, from: { questionId?: string; retryOf?: string } = {}): string {
    count += 1;
    const runId = `run-${count}`;
    const messageId = `answer-${count}`;
    const { retryOf = null, questionId = `question-${count}` } = from;
    questions.set(runId, { id: questionId, text });
    const before = stored.find(({ id }) => id === questionId);
    if (before === undefined) store('user', questionId, text, runId);
    else before.runId = runId;
    const question = { text, messageId: questionId, retryOf };
    link.emit(conversations.of(CONVERSATION), {
      type: 'run-accepted',
      data: { runId, messageId, userId: 'ada', question, retryOf: null },
    });
    link.emit(aiRuns.of({ runId }), {
      type: 'run-accepted',
      data: { ...CONVERSATION, messageId },
    });
    return runId;
  }

  function route(what: string, body: JsonObject): Response {
    const field = (name: string): string => {
      const value = body[name];
      return typeof value === 'string' ? value : '';
    };
    switch (what) {
      case 'messages':
        return Response.json({ messages: stored.map((one) => ({ ...one })) });
      case 'runs': {
        const questionId = field('messageId');
        const known = [...questions].find(([, { id }]) => id === questionId)?.[0];
        const runId = known ?? accept(field('text'), { questionId });
        return Response.json({ runId, messageId: answerId(runId) }, { status: 202 });
      }
      case 'retry': {
        const retryOf = field('runId');
        const { id: questionId = '', text = '' } = questions.get(retryOf) ?? {};
        const runId = accept(text, { questionId, retryOf });
        return Response.json({ runId, messageId: answerId(runId) }, { status: 202 });
      }
      case 'stop':
        return Response.json({ stopped: true });
      default:
        return new Response('', { status: 404 });
    }
  }

  const bed: ChatBed = {
    asked,
    stored,
    isUp: true,
    isHolding: false,
    async fetch(input, init) {
      const address = input instanceof Request ? input.url : input.toString();
      const what = address.split('/').at(-1) ?? '';
      const text = typeof init?.body === 'string' ? init.body : '';
      asked.push(`${init?.method ?? 'GET'} ${what}${text === '' ? '' : ` ${text}`}`);
      if (!bed.isUp) throw new TypeError('fetch failed');
      if (bed.isHolding) await new Promise<void>((resolve) => held.push(resolve));
      return route(what, text === '' ? {} : parseJsonObject(text));
    },
    release() {
      bed.isHolding = false;
      for (const go of held) go();
      held = [];
    },
    accept,
    begin(runId) {
      const channel = aiRuns.of({ runId });
      const messageId = answerId(runId);
      link.emit(conversations.of(CONVERSATION), { type: 'run-started', data: { runId } });
      const model = 'built-in';
      link.emit(channel, { type: 'run-start', data: { ...CONVERSATION, messageId, model } });
      link.emit(channel, { type: 'step-start', data: { part: 0 } });
      link.emit(channel, { type: 'text-start', data: { part: 1 } });
    },
    write(runId, text) {
      texts.set(runId, (texts.get(runId) ?? '') + text);
      link.emit(aiRuns.of({ runId }), { type: 'text-delta', data: { part: 1, text } });
    },
    end(runId, status = 'completed') {
      const messageId = answerId(runId);
      if (status === 'completed') store('assistant', messageId, texts.get(runId) ?? '', runId);
      const error = status === 'failed' ? 'The model is gone.' : null;
      link.emit(aiRuns.of({ runId }), {
        type: 'run-end',
        data: { status, finishReason: 'stop', error, ...NO_USAGE },
      });
      link.emit(conversations.of(CONVERSATION), {
        type: 'run-ended',
        data: { runId, messageId, status },
      });
    },
  };
  return bed;
}

function answerId(runId: string): string {
  return runId.replace('run', 'answer');
}

// A conversation whose answers are written at a pace that the bench sets: its page, its stored messages, its channels.
// No model and no database: what is measured is the page.

import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { aiRuns, conversations } from '@millrace/protocol/runs';
import { createHub } from '@millrace/server';

export interface AnswerServer extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** Accepts a question and begins its answer; returns the run's id. */
  begin(): Promise<string>;
  /** Writes so many characters, `windowChars` every `windowMs`. */
  write(runId: string, chars: number, windowChars: number, windowMs: number): Promise<void>;
  end(runId: string): Promise<void>;
}

const conversationId = 'bench';
const storedPairs = 25;

export async function startAnswerServer(html: string): Promise<AnswerServer> {
  const hub = createHub({ contracts: [aiRuns, conversations], authorize: () => true });
  let count = 0;
  const server = createServer((req, res) => {
    void hub.handle(req, res).then((isHandled) => {
      if (isHandled) return;
      if (req.url === '/') res.setHeader('content-type', 'text/html; charset=utf-8').end(html);
      else if (req.url === `/api/chat/${conversationId}/messages`) {
        res.setHeader('content-type', 'application/json').end(JSON.stringify({ messages: stored }));
      } else res.writeHead(404).end();
    });
  });
  server.on('upgrade', (req, socket, head) => hub.upgrade(req, socket, head));
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');

  return {
    url: `http://127.0.0.1:${address.port}`,
    async begin() {
      count += 1;
      const runId = `run-${count}`;
      const messageId = `answer-${count}`;
      const of = { conversationId, messageId };
      const question = { text: 'Tell me everything.', messageId: `question-${count}` };
      await hub.publish(conversations.of({ conversationId }), {
        type: 'run-accepted',
        data: { runId, messageId, userId: 'ada', question, retryOf: null },
      });
      const data = { runId };
      await hub.publish(conversations.of({ conversationId }), { type: 'run-started', data });
      const channel = aiRuns.of({ runId });
      await hub.publish(channel, { type: 'run-start', data: { ...of, model: 'bench' } });
      await hub.publish(channel, { type: 'step-start', data: { part: 0 } });
      await hub.publish(channel, { type: 'text-start', data: { part: 1 } });
      return runId;
    },
    async write(runId, chars, windowChars, windowMs) {
      const channel = aiRuns.of({ runId });
      const startedAt = performance.now();
      for (let at = 0, window = 1; at < chars; at += windowChars, window += 1) {
        const text = textAt(at, Math.min(windowChars, chars - at));
        await hub.publish(channel, { type: 'text-delta', data: { part: 1, text } });
        await sleep(Math.max(0, startedAt + window * windowMs - performance.now()));
      }
    },
    async end(runId) {
      const usage = { inputTokens: 0, outputTokens: 0, isEstimated: true };
      const status = 'completed';
      const messageId = runId.replace('run', 'answer');
      const data = { status, finishReason: 'stop', error: null, ...usage } as const;
      await hub.publish(aiRuns.of({ runId }), { type: 'run-end', data });
      const ended = { runId, messageId, status } as const;
      await hub.publish(conversations.of({ conversationId }), { type: 'run-ended', data: ended });
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await hub.close();
    },
  };
}

const words = 'The position was opened late and closed early, which the figures of the day show. ';
const paragraph = `${words.repeat(5)}\n\n`;

function textAt(from: number, length: number): string {
  const start = from % paragraph.length;
  return paragraph.repeat(2 + Math.ceil(length / paragraph.length)).slice(start, start + length);
}

const stored = Array.from({ length: 2 * storedPairs }, (_, at) => {
  const isQuestion = at % 2 === 0;
  const text = isQuestion ? 'And before that?' : textAt(0, 2_000);
  return {
    id: `stored-${at}`,
    role: isQuestion ? 'user' : 'assistant',
    parts: [{ type: 'text', text, isDone: true, provider: null }],
    text,
    status: 'completed',
    runId: `stored-run-${Math.floor(at / 2)}`,
    createdAt: '2026-01-02T03:04:05.000Z',
    sequence: at + 1,
  };
});

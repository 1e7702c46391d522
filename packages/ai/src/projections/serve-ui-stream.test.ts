// The UI message stream over HTTP, read by the AI SDK's own transport and by hand.

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { aiRuns, EMPTY_RUN, foldRun, type RunWrite, textOfRun } from '@millrace/protocol/runs';
import { createHub, type Hub } from '@millrace/server';
import { DefaultChatTransport, type UIMessageChunk } from 'ai';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readMessage, textOfMessage } from '../testing/read-message.ts';
import { runOfNumbers } from '../testing/run-of-numbers.ts';
import { serveUiStream, type UiStreamOptions } from './serve-ui-stream.ts';

const ids = { conversationId: 'c', messageId: 'm' };

let hub: Hub;
let server: Server;
let url: string;
let more: Partial<UiStreamOptions>;

beforeEach(async () => {
  more = {};
  hub = createHub({ contracts: [aiRuns] });
  server = createServer((req, res) => {
    const [, runId = ''] = (req.url ?? '').split('/');
    void serveUiStream(hub, res, { runId, ...more });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await hub.close();
});

async function write(runId: string, events: readonly RunWrite[]): Promise<void> {
  const channel = aiRuns.of({ runId });
  for (const event of events) await hub.publish(channel, event);
  if (events.at(-1)?.type === 'run-end') await hub.end(channel);
}

/** As `useChat` resumes a chat. */
async function resume(runId: string): Promise<ReadableStream<UIMessageChunk>> {
  const transport = new DefaultChatTransport({
    prepareReconnectToStreamRequest: () => ({ api: `${url}/${runId}` }),
  });
  const stream = await transport.reconnectToStream({ chatId: runId });
  if (stream === null) throw new Error('there was no stream');
  return stream;
}

/** Two steps with a tool and texts, and a text of the events' own. */
const NUMBERS = [
  2, 0, 0, 3, 0, 1, 2, 1, 2, 0, 0, 5, 5, 0, 1, 2, 1, 0, 0, 2, 3, 4, 0, 0, 9, 9, 1, 0, 0,
];

describe('the UI message stream over HTTP', () => {
  test('UI-1: readers that come before, in the middle and after the end have the same message', async () => {
    const events = runOfNumbers(NUMBERS).filter(({ type }) => type !== 'step-reset');
    const text = textOfRun(events.reduce((state, one) => foldRun(state, one), EMPTY_RUN));
    const early = resume('r1').then(readMessage);
    const half = Math.floor(events.length / 2);
    await write('r1', events.slice(0, half));
    const middle = resume('r1').then(readMessage);
    await write('r1', events.slice(half));
    const late = resume('r1').then(readMessage);
    const [first, ...others] = await Promise.all([early, middle, late]);
    expect(textOfMessage(first)).toBe(text);
    expect(first?.parts.length).toBeGreaterThan(2);
    for (const other of others) expect(other).toEqual(first);
  });

  test('UI-3: a step that begins anew cuts ai 6 off, which has the whole message when it comes again', async () => {
    const events: readonly RunWrite[] = [
      { type: 'run-accepted', data: ids },
      { type: 'run-start', data: { ...ids, model: 'any' } },
      { type: 'step-start', data: { part: 0 } },
      { type: 'text-start', data: { part: 1 } },
      { type: 'text-delta', data: { part: 1, text: 'It made 99' } },
    ];
    await write('r1', events);
    const response = await fetch(`${url}/r1`);
    const reading = response.text().catch((error: unknown) => String(error));
    await write('r1', [
      { type: 'run-resumed', data: { ...ids, attempt: 2, model: 'any' } },
      { type: 'step-reset', data: { part: 0 } },
      { type: 'text-start', data: { part: 1 } },
      { type: 'text-delta', data: { part: 1, text: 'It made 23.' } },
    ]);
    expect(await reading).toMatch(/terminated/);
    const again = resume('r1').then(readMessage);
    const usage = { inputTokens: 0, outputTokens: 0, isEstimated: false };
    const data = { status: 'completed', finishReason: 'stop', error: null, ...usage } as const;
    await write('r1', [{ type: 'run-end', data }]);
    expect(textOfMessage(await again)).toBe('It made 23.');
  });

  test('UI-4: the head comes at once, comments while nothing else does, and an id with every chunk', async () => {
    more = { heartbeatMs: 20 };
    const response = await fetch(`${url}/r1`);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      'x-vercel-ai-ui-message-stream': 'v1',
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes(':heartbeat')) text += (await reader?.read())?.value ?? '';
    expect(text).toMatch(/^:accepted\n\n/);
    await write('r1', runOfNumbers([]));
    for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
      text += read.value;
    }
    expect(text).toMatch(/id: \S+\ndata: {"type":"start","messageId":"m"}\n\n/);
    expect(text).toMatch(/data: \[DONE\]\n\n$/);
  });

  test('UI-4: a reader that leaves is let go, and nothing else happens', async () => {
    const halt = new AbortController();
    const response = await fetch(`${url}/r1`, { signal: halt.signal });
    expect(response.status).toBe(200);
    await expect.poll(() => hub.stats().subscriptions).toBe(1);
    halt.abort();
    await expect.poll(() => hub.stats().subscriptions).toBe(0);
    await write('r1', runOfNumbers([]));
  });
});

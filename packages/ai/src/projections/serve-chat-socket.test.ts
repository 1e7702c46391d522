// The socket of ai 7's transport, by hand: what it sends, what it refuses, whom it holds up. The transport itself reads it
// in tests/runs.

import { MillraceError } from '@millrace/protocol';
import { aiRuns, type RunWrite } from '@millrace/protocol/runs';
import { createHub, type Hub } from '@millrace/server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '../testing/run-bed.ts';
import { runOfNumbers } from '../testing/run-of-numbers.ts';
import { type ChatSocket, type ChatSocketOptions, serveChatSocket } from './serve-chat-socket.ts';

interface Frame {
  readonly type: string;
  readonly requestId: string;
  readonly sequence?: number;
  readonly chunk?: { readonly type: string };
  readonly errorText?: string;
}

/** A socket whose other side takes what comes, or nothing. */
class FakeSocket implements ChatSocket {
  bufferedAmount = 0;
  isTaking = true;
  closedWith: string | null = null;
  readonly frames: Frame[] = [];
  readonly #events = new EventTarget();
  readonly #waiting: { readonly bytes: number; readonly taken: () => void }[] = [];

  send(text: string, taken: () => void): void {
    this.frames.push(JSON.parse(text) as Frame);
    if (this.isTaking) taken();
    else {
      this.bufferedAmount += text.length;
      this.#waiting.push({ bytes: text.length, taken });
    }
  }
  /** The other side takes all that waits, one after the other. */
  takeAll(): void {
    for (const { bytes, taken } of this.#waiting.splice(0)) {
      this.bufferedAmount -= bytes;
      taken();
    }
  }
  close(code: number, reason: string): void {
    this.closedWith ??= `${code} ${reason}`;
    this.#events.dispatchEvent(new Event('close'));
  }
  addEventListener(type: string, listener: (event: { readonly data: unknown }) => void): void {
    this.#events.addEventListener(type, (event) => listener(event as MessageEvent));
  }
  receive(frame: unknown): void {
    const data = typeof frame === 'object' ? JSON.stringify(frame) : frame;
    this.#events.dispatchEvent(new MessageEvent('message', { data }));
  }
  of(requestId: string): string[] {
    return this.frames.filter((one) => one.requestId === requestId).map(({ type }) => type);
  }
}

const request = { id: 'c1', headers: {}, body: {} };
const send = {
  ...{ ...request, type: 'send', trigger: 'submit-message' },
  messages: [{ id: 'u1', role: 'user', parts: [{ type: 'text', text: 'Why?' }] }],
};

let hub: Hub;
let socket: FakeSocket;
let errors: string[];
let stopped: string[];

beforeEach(() => {
  hub = createHub({ contracts: [aiRuns] });
  socket = new FakeSocket();
  errors = [];
  stopped = [];
});
afterEach(() => hub.close());

function serve(more: Partial<ChatSocketOptions> = {}): Promise<void> {
  return serveChatSocket(socket, {
    hub,
    start: async () => ({ runId: 'r1' }),
    resume: async ({ id }) => (id === 'c1' ? { runId: 'r1' } : null),
    onError: ({ message }) => errors.push(message),
    ...more,
  });
}

async function write(events: readonly RunWrite[], runId = 'r1'): Promise<void> {
  const channel = aiRuns.of({ runId });
  for (const event of events) await hub.publish(channel, event);
  if (events.at(-1)?.type === 'run-end') await hub.end(channel);
}

const events = runOfNumbers([1, 0, 0, 3, 0, 1, 2]);

describe("ai 7's chat on a WebSocket", () => {
  test('CHATWS-1: a question and a return are told the run, each with its own numbers from 0 on, to the end', async () => {
    void serve();
    socket.receive({ ...send, requestId: 'q1' });
    await write(events.slice(0, 4));
    socket.receive({ ...request, type: 'resume', requestId: 'q2' });
    await waitFor('the second', () => socket.of('q2').length > 1);
    await write(events.slice(4));
    await waitFor(
      'both ends',
      () => socket.frames.filter(({ type }) => type === 'end').length === 2,
    );
    for (const id of ['q1', 'q2']) {
      const mine = socket.frames.filter(({ requestId }) => requestId === id);
      expect(mine[0]?.type).toBe('start');
      expect(mine.at(-1)?.type).toBe('end');
      const chunks = mine.slice(1, -1);
      expect(chunks.map(({ sequence }) => sequence)).toEqual(chunks.map((_, index) => index));
      expect(chunks[0]?.chunk).toEqual({ type: 'start', messageId: 'm' });
      expect(chunks.at(-1)?.chunk?.type).toBe('finish');
    }
    socket.receive({ ...request, id: 'c2', type: 'resume', requestId: 'q3' });
    await waitFor('the third', () => socket.of('q3').length > 0);
    expect(socket.of('q3')).toEqual(['no-active']);
  });

  test('CHATWS-2: an abort ends the reading, and the run where the application says so; a close only reads no more', async () => {
    const served = serve({ onAbort: (runId) => stopped.push(runId) });
    for (const requestId of ['q1', 'q2']) socket.receive({ ...send, requestId });
    await waitFor('the reader', () => hub.stats().subscriptions === 1);
    socket.receive({ type: 'abort', requestId: 'q1' });
    await waitFor('the stop', () => stopped.length === 1);
    await write(events.slice(0, 2));
    await waitFor('the other', () => socket.of('q2').length > 1);
    expect(socket.of('q1')).toEqual(['start']);
    socket.close(1000, '');
    await served;
    await waitFor('nobody', () => hub.stats().subscriptions === 0);
    expect(stopped).toEqual(['r1']);
  });

  test('CHATWS-2: one that is aborted before its run is known is none of the viewers', async () => {
    const started = Promise.withResolvers<{ runId: string }>();
    void serve({ start: () => started.promise, onAbort: (runId) => stopped.push(runId) });
    socket.receive({ ...send, requestId: 'q1' });
    socket.receive({ type: 'abort', requestId: 'q1' });
    started.resolve({ runId: 'r7' });
    await waitFor('the stop', () => stopped.length === 1);
    expect(stopped).toEqual(['r7']);
    expect(socket.frames).toEqual([]);
  });

  test('CHATWS-3: what is no frame is refused, and nobody else notices', async () => {
    const conflict = new MillraceError('request/conflict', 'Another answer is being written.');
    let starts = 0;
    void serve({
      maxFrameBytes: 1_000,
      maxRequests: 2,
      async start() {
        starts += 1;
        if (starts === 2) throw conflict;
        if (starts === 3) throw new Error('password is hunter2');
        return { runId: 'r1' };
      },
    });
    socket.receive({ ...send, requestId: 'q1' });
    await waitFor('the first', () => socket.of('q1').length === 1);
    for (const bad of ['{', '[]', '"abort"', 7, new Uint8Array(3), { type: 'send' }])
      socket.receive(bad);
    socket.receive({ type: 'abort', requestId: 'nobody' });
    await waitFor('refusals', () => socket.of('').length === 6);
    const refused = async (id: string, frame: object, words: string) => {
      socket.receive({ type: 'send', requestId: id, ...frame });
      await waitFor(id, () => socket.of(id).includes('error'));
      const told = socket.frames.find((one) => one.requestId === id && one.type === 'error');
      expect(told?.errorText).toContain(words);
    };
    await refused('q2', {}, 'Invalid');
    await refused('q3', { ...send, messages: [{ role: 'judge' }] }, 'Invalid');
    await refused('q4', { ...send, id: 'x'.repeat(1_000) }, 'at most 1000 bytes');
    await refused('q5', { ...send, type: 'sing' }, 'Invalid');
    await refused('q6', send, 'Another answer is being written.');
    await refused('q7', send, 'Something failed.');
    expect(errors).toHaveLength(1);
    socket.receive({ ...send, requestId: 'q8' });
    await waitFor('a second', () => socket.of('q8').length === 1);
    await refused('q9', send, 'Too many');
    await write(events);
    await waitFor(
      'both ends',
      () => socket.frames.filter(({ type }) => type === 'end').length === 2,
    );
    expect(socket.closedWith).toBeNull();
  });

  test('CHATWS-4: a client that takes nothing in costs its limit, then it is closed', async () => {
    const served = serve({ maxQueueBytes: 2_000, slowAfterMs: 100 });
    socket.isTaking = false;
    socket.receive({ ...send, requestId: 'q1' });
    await waitFor('the reader', () => hub.stats().subscriptions === 1);
    const words = Array.from(
      { length: 100 },
      (): RunWrite => ({
        type: 'text-delta',
        data: { part: 1, text: 'x'.repeat(100) },
      }),
    );
    await write([...events.slice(0, 3), { type: 'text-start', data: { part: 1 } }, ...words]);
    await served;
    expect(socket.closedWith).toBe('1013 link/slow');
    expect(socket.bufferedAmount).toBeLessThan(2_500);
    await waitFor('nobody', () => hub.stats().subscriptions === 0);
  });

  test('CHATWS-4: requests that share a full socket all go on once it is taken, whoever’s bytes they were', async () => {
    const runs: Readonly<Record<string, string>> = { q1: 'r1', q2: 'r2' };
    const options = { maxQueueBytes: 2_000, slowAfterMs: 150 };
    void serve({ ...options, start: async ({ requestId }) => ({ runId: runs[requestId] ?? '' }) });
    const said = (text: string): RunWrite => ({ type: 'text-delta', data: { part: 1, text } });
    const begun: readonly RunWrite[] = [
      ...events.slice(0, 3),
      { type: 'text-start', data: { part: 1 } },
    ];
    for (const [requestId, runId] of Object.entries(runs)) {
      await write(begun, runId);
      socket.receive({ ...send, requestId });
      await waitFor('what was before', () => socket.of(requestId).length === 4);
    }
    socket.isTaking = false;
    await write([said('x'.repeat(3_000))], 'r1');
    await waitFor('the full socket', () => socket.bufferedAmount > 2_000);
    for (let n = 0; n < 3; n += 1) await write([said('y')], 'r2');
    await write([said('z')], 'r1');
    socket.isTaking = true;
    socket.takeAll();
    await waitFor('both', () => socket.of('q1').length === 6 && socket.of('q2').length === 7);
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(socket.closedWith).toBeNull();
    await write([said('y')], 'r2');
    await waitFor('one more', () => socket.of('q2').length === 8);
  });

  test('CHATWS-4: one that asks without reading is closed too', async () => {
    void serve({ maxQueueBytes: 2_000 });
    socket.isTaking = false;
    for (let n = 0; n < 200; n += 1) socket.receive('{');
    await waitFor('the close', () => socket.closedWith !== null);
    expect(socket.bufferedAmount).toBeLessThan(4_500);
  });
});

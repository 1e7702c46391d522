// What a provider does wrong, over real HTTP and through the AI SDK's own provider: whatever it is, each run ends in a
// state that docs/runs.md names, in time, with what was said kept and what was asked for counted.

import type { ModelAnswer, ModelFault, ModelRequest } from '@millrace/ai/testing';
import { type RunState, textOfRun } from '@millrace/protocol/runs';
import { jsonSchema, tool } from 'ai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectWithin } from '../support/timing.ts';
import { createModelBed, follow, type ModelBed, type ModelNode } from './model-bed.ts';

let bed: ModelBed;
/** Waits for a provider as long as a busy machine may need it to. */
let patient: ModelNode;
/** Gives a provider up that does not begin soon. */
let waitsForFirst: ModelNode;
/** Gives one up that falls silent. */
let waitsForNext: ModelNode;
const inputs: unknown[] = [];

beforeAll(async () => {
  bed = await createModelBed();
  const store = tool({
    inputSchema: jsonSchema<{ text: string }>({ type: 'object' }),
    execute: (input) => inputs.push(input),
  });
  patient = await bed.startNode({ tools: { store } });
  // Longer than a busy machine takes to ask, and to take a token.
  waitsForFirst = await bed.startNode({ firstTokenMs: 4_000 });
  waitsForNext = await bed.startNode({ stallMs: 4_000 });
});

afterAll(() => bed[Symbol.asyncDispose]());

interface Outcome {
  readonly state: RunState;
  readonly text: string;
  readonly requests: readonly ModelRequest[];
  readonly tookMs: number;
}

let asked = 0;

/** A run whose model answers like this, each request the next. */
function ask(what: string, ...answers: readonly ModelAnswer[]): Promise<Outcome> {
  return askAt(patient, what, ...answers);
}

async function askAt(
  node: ModelNode,
  what: string,
  ...answers: readonly ModelAnswer[]
): Promise<Outcome> {
  const begunAt = performance.now();
  // A test that was only slow is run again, and must not count what it asked before.
  asked += 1;
  const name = `${what}-${asked}`;
  bed.models.queue(answers, name);
  const { run } = await node.runs.start({ conversationId: name, userId: 'ada', question: name });
  const state = await follow(node.hub, run.id);
  const requests = bed.models.requests.filter(({ model }) => model === name);
  const row = await node.runs.read(run.id);
  expect(row).toMatchObject({ status: state.status, usage: state.usage, error: state.error });
  return { state, text: textOfRun(state), requests, tookMs: performance.now() - begunAt };
}

const said = ['It made ', '23 ', 'trades, 😀 é.'] as const;
const whole = said.join('');
const exact = { inputTokens: 120, outputTokens: 7, isEstimated: false };
const fine: ModelAnswer = { text: said, usage: { prompt_tokens: 120, completion_tokens: 7 } };

function broken(fault: ModelFault): ModelAnswer {
  return { ...fine, everyMs: 5, fault };
}

describe.concurrent('a provider', () => {
  test('RUN-14: that does nothing wrong is paid what it says, and asked once', async () => {
    const { state, text, requests } = await ask('fine', fine);
    expect(state).toMatchObject({ status: 'completed', usage: exact, finishReason: 'stop' });
    expect(text).toBe(whole);
    expect(requests).toHaveLength(1);
    expect(requests[0]?.headers['authorization']).not.toContain('secret');
  });

  test('RUN-14: that never says what it counted is estimated, and said to be', async () => {
    const { state, text } = await ask('no-usage', { ...fine, usage: null });
    expect(text).toBe(whole);
    expect(state.status).toBe('completed');
    expect(state.usage.isEstimated).toBe(true);
    expect(state.usage.inputTokens).toBeGreaterThan(10);
    expect(state.usage.outputTokens).toBeGreaterThan(whole.length / 5);
  });

  test('RUN-17: that begins late, but in time, is waited for', async () => {
    const { state, text } = await ask('slow', broken({ is: 'slow', afterMs: 200 }));
    expect(state).toMatchObject({ status: 'completed', usage: exact });
    expect(text).toBe(whole);
  });

  test.each([
    ['with no head', { is: 'slow', afterMs: 60_000, holdsHead: true }],
    ['with a head and no token', { is: 'stall', at: 1 }],
  ] as const)(
    'RUN-17: that does not begin in time, %s, has failed, is left, and not asked again',
    async (how, fault) => {
      const { state, requests, tookMs } = await askAt(waitsForFirst, `late-${how}`, broken(fault));
      expect(state).toMatchObject({ status: 'failed', error: expect.stringContaining('begin') });
      // It was asked: nobody knows what it counts.
      expect(state.usage.isEstimated).toBe(true);
      expect(state.usage.inputTokens).toBeGreaterThan(10);
      expect(requests).toHaveLength(1);
      expect((await requests[0]?.whenEnded)?.by).toBe('client');
      expectWithin(tookMs, 8_000, 'the end of the run');
    },
  );

  test('RUN-17: that falls silent in the middle has failed, with what it said kept and its line closed', async () => {
    const { state, text, requests, tookMs } = await askAt(
      waitsForNext,
      'stall',
      broken({ is: 'stall', at: 3 }),
    );
    expect(state).toMatchObject({ status: 'failed', error: expect.stringContaining('go on') });
    expect(text).toBe('It made 23 ');
    expect(state.usage).toMatchObject({ isEstimated: true, outputTokens: 3 });
    expect(requests).toHaveLength(1);
    expect((await requests[0]?.whenEnded)?.by).toBe('client');
    expectWithin(tookMs, 8_000, 'the end of the run');
  });

  test.each([
    ['a cut line', { is: 'cut', at: 3 }],
    ['an error in the stream', { is: 'error-frame', at: 3, message: 'key sk-1 is over quota' }],
    ['a frame that is no JSON', { is: 'malformed', at: 3 }],
    ['an end that is none', { is: 'end', at: 3 }],
  ] as const)(
    'RUN-10, RUN-17: %s in the middle ends it as failed, with what was said kept, and is not asked again',
    async (how, fault) => {
      const { state, text, requests } = await ask(`mid-${how}`, broken(fault));
      expect(state.status).toBe('failed');
      expect(state.error).not.toContain('sk-1');
      expect(text).toBe('It made 23 ');
      expect(state.usage).toMatchObject({ isEstimated: true, outputTokens: 3 });
      expect(requests).toHaveLength(1);
    },
  );

  test.each([
    ['a cut line', { is: 'cut', at: -1 }],
    ['a cut line behind the head', { is: 'cut', at: 1 }],
    ['an error in the stream', { is: 'error-frame', at: 1 }],
    ['a frame that is no JSON', { is: 'malformed', at: 1 }],
    ['an end that is none', { is: 'end', at: 1 }],
  ] as const)(
    'RUN-17, RUN-14: %s before the first token is tried again, and counts as asked for',
    async (how, fault) => {
      const { state, text, requests } = await ask(`pre-${how}`, broken(fault), fine);
      expect(state.status).toBe('completed');
      expect(text).toBe(whole);
      expect(requests).toHaveLength(2);
      expect(state.usage).toMatchObject({ isEstimated: true, outputTokens: 7 });
      expect(state.usage.inputTokens).toBeGreaterThan(120 + 10);
    },
  );

  test('RUN-17: that is busy is asked again when it says so, and what it refused costs nothing', async () => {
    const busy: ModelAnswer = { fault: { is: 'status', status: 429, retryAfterS: 1 } };
    const { state, requests, tookMs } = await ask('busy', busy, fine);
    expect(state).toMatchObject({ status: 'completed', usage: exact });
    expect(requests).toHaveLength(2);
    expect((requests[1]?.atMs ?? 0) - (requests[0]?.atMs ?? 0)).toBeGreaterThan(950);
    expectWithin(tookMs, 6_000, 'the end of the run');
  });

  test('RUN-17: that keeps failing has failed after as many tries as there may be; one that refuses, at once', async () => {
    const away: ModelAnswer = { fault: { is: 'status', status: 500 } };
    const failed = { status: 'failed', usage: { inputTokens: 0, outputTokens: 0 } };
    const tried = await ask('away', away, away, fine);
    expect(tried.state).toMatchObject(failed);
    expect(tried.requests).toHaveLength(2);
    const refused = await ask('refused', { fault: { is: 'status', status: 400 } }, fine);
    expect(refused.state).toMatchObject(failed);
    expect(refused.requests).toHaveLength(1);
  });

  test('RUN-17: that says a word twice has said it twice; an end that comes twice is one', async () => {
    const twice = await ask('twice', broken({ is: 'duplicate', at: 2 }));
    expect(twice.text).toBe('It made 23 23 trades, 😀 é.');
    expect(twice.state).toMatchObject({ status: 'completed', usage: exact });
    for (const at of [4, 5]) {
      const { state, text } = await ask(`ends-twice-${at}`, broken({ is: 'duplicate', at }));
      expect(text).toBe(whole);
      expect(state).toMatchObject({ status: 'completed', usage: exact });
    }
  });

  test('RUN-17: whose packets end within a letter is read as what it says', async () => {
    const { state, text } = await ask('split', broken({ is: 'split-letters' }));
    expect(text).toBe(whole);
    expect(state.status).toBe('completed');
  });

  test('RUN-12, RUN-14: that calls with huge inputs, or with none that can be read, is gone on with', async () => {
    const text = 'x'.repeat(200_000);
    const usage = { prompt_tokens: 100, completion_tokens: 50_000 };
    const huge = await ask(
      'huge',
      { toolCalls: [{ id: 'a', name: 'store', arguments: { text } }], usage },
      fine,
    );
    expect(inputs).toContainEqual({ text });
    expect(huge.text).toBe(whole);
    expect(huge.state.usage).toEqual({ ...exact, inputTokens: 220, outputTokens: 50_007 });
    const unread = await ask(
      'unread',
      { toolCalls: [{ id: 'b', name: 'store', arguments: '{"text": ' }], usage },
      fine,
    );
    expect(unread.text).toBe(whole);
    expect(unread.state.parts).toContainEqual(expect.objectContaining({ status: 'refused' }));
  });
});

// Runs that meet trouble: whatever it is, each ends, once, and says why.

import { PGlite } from '@electric-sql/pglite';
import { textOfRun } from '@millrace/protocol/runs';
import type { SqlDatabase } from '@millrace/server/postgres';
import { readyPglite } from '@millrace/server/testing/servers';
import { jsonSchema, type ModelMessage, tool } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  asked,
  bedOfEach,
  calls,
  finished,
  modelOf,
  question,
  read,
  type Said,
  texts,
  untilText,
  waitFor,
} from './testing/run-bed.ts';

const bed = bedOfEach({ beforeAll, afterAll, beforeEach, afterEach }, () => readyPglite(PGlite));

const none = jsonSchema<object>({ type: 'object' });

describe('a run in trouble', () => {
  test('RUN-10: an answer whose line breaks in the middle has failed, with what was said kept', async () => {
    const model = new MockLanguageModelV4({
      doStream: () =>
        Promise.resolve({
          stream: new ReadableStream<Said>({
            async start(controller) {
              for (const said of texts('It ma').slice(0, 2)) controller.enqueue(said);
              await new Promise((resolve) => setTimeout(resolve, 20));
              controller.error(new Error('socket hang up'));
            },
          }),
        }),
    });
    const node = await bed.startNode(() => ({ model, messages: asked }));
    const { run } = await node.runs.start(question);
    const { state } = await read(node.hub, run.id);
    expect(state).toMatchObject({ status: 'failed', attempt: 1 });
    expect(textOfRun(state)).toBe('It ma');
  });

  test('RUN-12: what JSON may hold and a database may not ends like anything else', async () => {
    const nasty = { text: 'nul \0, half \ud83d' };
    const model = modelOf((step) => ({
      says: step === 0 ? calls('look') : texts('so \0 far'),
      hangs: step === 1,
    }));
    const look = tool({ inputSchema: none, execute: () => nasty });
    const node = await bed.startNode(() => ({ model, messages: asked, tools: { look } }));
    const { run } = await node.runs.start({ ...question, question: 'why \0?' });
    await untilText(node.hub, run.id, 'far');
    await node.runs.stop(run.id, 'ada');
    expect((await read(node.hub, run.id)).state.status).toBe('stopped');
    expect(node.errors).toEqual([]);
  });

  test('RUN-8: what names nobody is refused at once; a run whose answer is never told is stopped all the same', async () => {
    const node = await bed.startNode(() => new Promise(() => undefined));
    const bad = { code: 'request/invalid' };
    await expect(node.runs.start({ ...question, userId: '' })).rejects.toMatchObject(bad);
    const long = 'c'.repeat(201);
    await expect(node.runs.start({ ...question, conversationId: long })).rejects.toMatchObject(bad);
    const { run } = await node.runs.start(question);
    await expect(node.runs.stop(run.id, '')).rejects.toMatchObject(bad);
    await waitFor(
      'it to be claimed',
      async () => (await node.runs.read(run.id))?.status === 'running',
    );
    await node.runs.stop(run.id, 'ada');
    expect((await read(node.hub, run.id)).state).toMatchObject({
      status: 'stopped',
      stoppedBy: 'ada',
    });
  });

  test('RUN-10: an application that can never write its rows does not have the run for ever', async () => {
    const model = modelOf(() => ({ says: [...texts('It made 23.'), finished()] }));
    const node = await bed.startNode(() => ({ model, messages: asked }), {
      maxAttempts: 1,
      onEnd: () => Promise.reject(new Error('no such table')),
    });
    const { run } = await node.runs.start(question);
    await waitFor('the first failure', () => node.errors.length > 0);
    await bed.expire(run.id);
    await bed.database.query("select pg_notify('millrace_ai_runs', 'new')");
    const { state } = await read(node.hub, run.id);
    // All of it was said: that its rows can't be written makes it no less so.
    expect(state).toMatchObject({ status: 'completed', attempt: 2 });
    expect(textOfRun(state)).toBe('It made 23.');
  });

  test('RUN-7: nodes that give a run back have not died of it', async () => {
    const model = modelOf(() => ({ says: texts('It ma'), hangs: true }));
    const answer = () => ({ model, messages: asked });
    let node = await bed.startNode(answer, { maxAttempts: 1 });
    const { run } = await node.runs.start(question);
    for (let turn = 0; turn < 3; turn += 1) {
      await untilText(node.hub, run.id, 'It ma');
      const next = await bed.startNode(answer, { maxAttempts: 1 });
      await node.runs.close();
      node = next;
    }
    await waitFor('the fourth owner', async () => (await node.runs.read(run.id))?.fence === 4);
    expect(await node.runs.read(run.id)).toMatchObject({ status: 'running', deaths: 0 });
    await node.runs.stop(run.id, 'ada');
    expect((await read(node.hub, run.id)).state.status).toBe('stopped');
  });

  test('RUN-9: a model that names its calls alike in every step has each of them made', async () => {
    const made: number[] = [];
    const model = modelOf((step) => ({
      says: step < 3 ? calls('count', 'call_0') : [...texts('Done.'), finished()],
    }));
    const count = tool({ inputSchema: none, execute: () => made.push(made.length) });
    const node = await bed.startNode(() => ({ model, messages: asked, tools: { count } }));
    const { run } = await node.runs.start(question);
    const { state } = await read(node.hub, run.id);
    expect(made).toEqual([0, 1, 2]);
    const tools = state.parts.filter((part) => part.type === 'tool');
    expect(new Set(tools.map(({ callId }) => callId)).size).toBe(3);
    expect(tools.map(({ output }) => output)).toEqual([1, 2, 3]);
  });

  test('RUN-9: an outcome that can not be written is never taken for a failure of its tool', async () => {
    const made: string[] = [];
    let isAway = false;
    const flaky: SqlDatabase = {
      ...bed.database,
      query(sql, params) {
        const isOutcome = sql.includes('update millrace.ai_tool_calls');
        if (isOutcome && isAway) return Promise.reject(new Error('connection reset'));
        return bed.database.query(sql, params);
      },
    };
    const prompts: ModelMessage[][] = [];
    const model = modelOf((step, { prompt }) => {
      prompts.push(prompt);
      return { says: step === 0 ? calls('pay') : [...texts('Paid.'), finished()] };
    });
    const pay = tool({
      inputSchema: none,
      execute() {
        isAway = true;
        setTimeout(() => {
          isAway = false;
        }, 300);
        return made.push('paid');
      },
    });
    const node = await bed.startNode(() => ({ model, messages: asked, tools: { pay } }), {
      database: flaky,
    });
    const { run } = await node.runs.start(question);
    expect((await read(node.hub, run.id)).state.status).toBe('completed');
    expect(made).toEqual(['paid']);
    expect(prompts[1]?.at(-1)).toMatchObject({ content: [{ output: { type: 'json', value: 1 } }] });
  });

  test('RUN-12: names and ids of any length, and parts without a type, end no run', async () => {
    const keys: unknown[] = [];
    const input = '{}';
    // Providers keep things of their own in the ids of calls.
    const long = 'x'.repeat(3_000);
    const steps: readonly Said[][] = [
      [
        { type: 'tool-call', toolCallId: `${long}1`, toolName: 'look', input },
        { type: 'tool-call', toolCallId: `${long}2`, toolName: 'look', input },
        { type: 'tool-call', toolCallId: 'half \ud83d', toolName: 'look', input },
        { type: 'tool-call', toolCallId: 'a', toolName: 'y'.repeat(500), input },
        finished('tool-calls'),
      ],
      [
        { type: 'tool-call', toolCallId: `${long}1`, toolName: 'look', input },
        finished('tool-calls'),
      ],
      [
        { type: 'source', sourceType: 'document', id: '', mediaType: '', title: '' },
        ...texts('Done.'),
        finished(),
      ],
    ];
    const model = modelOf((step) => ({ says: steps[step] ?? [] }));
    const look = tool({
      inputSchema: none,
      execute: (_input, options) => keys.push(Reflect.get(options, 'idempotencyKey')),
    });
    const node = await bed.startNode(() => ({ model, messages: asked, tools: { look } }));
    const { run } = await node.runs.start(question);
    const { state } = await read(node.hub, run.id);
    expect(state).toMatchObject({ status: 'completed', attempt: 1 });
    expect(textOfRun(state)).toBe('Done.');
    const tools = state.parts.flatMap((part) => (part.type === 'tool' ? [part] : []));
    expect(tools.map(({ status, output }) => [status, output])).toEqual([
      ['done', 1],
      ['done', 2],
      ['done', 3],
      ['refused', null],
      ['done', 4],
    ]);
    expect(new Set(tools.map(({ callId }) => callId)).size).toBe(5);
    expect(new Set(keys).size).toBe(4);
    expect(node.errors).toEqual([]);
  });

  test('RUN-14: figures that cannot be are no figures, and harm no other run of the node', async () => {
    const figures = (inputTokens: number, outputTokens: number): Said => ({
      type: 'finish',
      finishReason: { unified: 'stop', raw: 'stop' },
      usage: {
        inputTokens: {
          total: inputTokens,
          noCache: undefined,
          cacheRead: undefined,
          cacheWrite: undefined,
        },
        outputTokens: { total: outputTokens, text: undefined, reasoning: undefined },
      },
    });
    const odd = [figures(12.5, 4), figures(10, -1), figures(1e300, Number.NaN)];
    for (const [index, end] of odd.entries()) {
      const model = modelOf(() => ({ says: [...texts('Done.'), end] }));
      const node = await bed.startNode(() => ({ model, messages: asked }));
      const { run } = await node.runs.start({ ...question, conversationId: `c${index}` });
      const { state } = await read(node.hub, run.id);
      expect(state).toMatchObject({
        status: 'completed',
        attempt: 1,
        usage: { isEstimated: true },
      });
      expect(state.usage.inputTokens).toBeLessThan(100);
      expect(node.errors).toEqual([]);
      await node.runs.close();
    }
  });

  test('RUN-12: a call whose input was too large for the log is made again with all of it', async () => {
    const text = 'x'.repeat(60_000);
    const inputs: number[] = [];
    let isFirst = true;
    const input = JSON.stringify({ text });
    const asking = modelOf(() => ({
      says: [
        { type: 'tool-call', toolCallId: 'a', toolName: 'store', input },
        finished('tool-calls'),
      ],
    }));
    const store = tool({
      inputSchema: jsonSchema<{ text: string }>({ type: 'object' }),
      async execute(given, { abortSignal }) {
        inputs.push(given.text?.length ?? 0);
        if (isFirst)
          await new Promise((resolve) => abortSignal?.addEventListener('abort', resolve));
        abortSignal?.throwIfAborted();
        return 'stored';
      },
    });
    const common = { messages: asked, tools: { store }, idempotentTools: ['store'] };
    const first = await bed.startNode(() => ({ model: asking, ...common }));
    const { run } = await first.runs.start(question);
    await waitFor('the call', () => inputs.length === 1);
    const model = modelOf(() => ({ says: [...texts('Done.'), finished()] }));
    const second = await bed.startNode(() => ({ model, ...common }));
    isFirst = false;
    await first.runs.close();
    expect((await read(second.hub, run.id)).state.status).toBe('completed');
    expect(inputs).toEqual([60_000, 60_000]);
  });

  test('RUN-10: one that is stopped before anybody began it ends as any other, with the application told', async () => {
    const model = modelOf(() => ({ says: texts('It ma'), hangs: true }));
    const node = await bed.startNode(() => ({ model, messages: asked }));
    const first = await node.runs.start(question);
    const waiting = await node.runs.start({ ...question, overlap: 'queue' });
    await node.runs.stop(waiting.run.id, 'ada');
    expect(node.ended).toMatchObject([
      { run: { id: waiting.run.id }, state: { status: 'stopped' } },
    ]);
    await node.runs.stop(first.run.id, 'ada');
  });
});

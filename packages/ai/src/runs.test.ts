// Runs on PGlite and a memory engine, answered by models that do as they are told: ended once, stopped from anywhere,
// taken over from nodes that died, with no call of a tool made twice.

import { PGlite } from '@electric-sql/pglite';
import {
  aiRuns,
  conversations,
  EMPTY_CONVERSATION,
  foldConversation,
  type RunState,
  textOfRun,
} from '@millrace/protocol/runs';
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
  WAIT_MS,
  waitFor,
} from './testing/run-bed.ts';
import { UNKNOWN_OUTCOME } from './tools.ts';

const bed = bedOfEach({ beforeAll, afterAll, beforeEach, afterEach }, () => readyPglite(PGlite));

describe('a run', () => {
  test('RUN-1, RUN-4: is accepted, answered and ended, once, with its row, its message and its channel alike', async () => {
    const model = modelOf(() => ({ says: [...texts('It made ', '23 trades.'), finished()] }));
    const node = await bed.startNode(() => ({ model, messages: asked }));
    const { run, isNew } = await node.runs.start(question);
    expect(isNew).toBe(true);
    const { types, state } = await read(node.hub, run.id);
    // It takes the way of a transaction, and may come after what its owner says.
    expect(types.slice(0, 2)).toEqual(expect.arrayContaining(['run-start']));
    expect(types.filter((type) => type === 'run-accepted')).toHaveLength(1);
    expect(types.slice(-2)).toEqual(['run-end', 'end']);
    expect(textOfRun(state)).toBe('It made 23 trades.');
    expect(state).toMatchObject({
      status: 'completed',
      messageId: run.messageId,
      finishReason: 'stop',
    });
    expect(node.ended).toHaveLength(1);
    expect(node.ended[0]?.state).toEqual(state);
    expect(await node.runs.read(run.id)).toMatchObject({
      status: 'completed',
      usage: { inputTokens: 10, outputTokens: 4, isEstimated: false },
    });
    expect(node.errors).toEqual([]);
  });

  test('RUN-6: a start that is repeated is the same run; another one is refused, or waits its turn', async () => {
    const model = modelOf((step) => ({
      says: [...texts(`answer ${step}`), ...(step > 0 ? [finished()] : [])],
      hangs: step === 0,
    }));
    const node = await bed.startNode(() => ({ model, messages: asked }));
    const first = await node.runs.start({ ...question, key: 'k' });
    const again = await node.runs.start({ ...question, key: 'k' });
    expect(again).toMatchObject({ isNew: false, run: { id: first.run.id } });
    await untilText(node.hub, first.run.id, 'answer 0');
    await expect(node.runs.start(question)).rejects.toMatchObject({
      code: 'request/conflict',
      details: { runId: first.run.id },
    });
    const waiting = await node.runs.start({ ...question, overlap: 'queue' });
    const unwanted = await node.runs.start({ ...question, overlap: 'queue' });
    expect(await node.runs.stop(unwanted.run.id, 'ada')).toMatchObject({ status: 'stopped' });
    await node.runs.stop(first.run.id, 'ada');
    expect((await read(node.hub, waiting.run.id)).state.status).toBe('completed');
    expect((await read(node.hub, unwanted.run.id)).state).toMatchObject({
      ...{ status: 'stopped', attempt: 0 },
      messageId: unwanted.run.messageId,
    });
  });

  test('RUN-13: its conversation tells of each from its acceptance to its end, whoever makes it', async () => {
    const model = modelOf((step) => ({
      says: [...texts(`answer ${step}`), ...(step > 0 ? [finished()] : [])],
      hangs: step === 0,
    }));
    const node = await bed.startNode(() => ({ model, messages: asked }));
    const first = await node.runs.start(question);
    await untilText(node.hub, first.run.id, 'answer 0');
    const long = 'x'.repeat(50_000);
    const second = await node.runs.start({ ...question, question: long, overlap: 'queue' });
    await node.runs.stop(first.run.id, 'bob');
    await read(node.hub, second.run.id);
    await node.hub.relayed();
    const told = (await node.hub.history(conversations.of({ conversationId: 'c1' }))).events;
    expect(told.map(({ type, data }) => [type, data.runId])).toEqual([
      ['run-accepted', first.run.id],
      ['run-started', first.run.id],
      ['run-accepted', second.run.id],
      ['run-ended', first.run.id],
      ['run-started', second.run.id],
      ['run-ended', second.run.id],
    ]);
    expect(told[0]?.data).toMatchObject({
      ...{ userId: 'ada', question: 'Why?', retryOf: null },
      messageId: first.run.messageId,
    });
    expect(told[2]?.data).toMatchObject({ question: { omitted: 'too large', bytes: 50_002 } });
    expect(told.reduce(foldConversation, EMPTY_CONVERSATION)).toEqual({
      runs: [],
      last: { runId: second.run.id, messageId: second.run.messageId, status: 'completed' },
    });
  });

  test('RUN-8: a stop from another node reaches the model, keeps the partial text, and tells all viewers', async () => {
    let abortedAt = 0;
    const model = modelOf((_, { abortSignal }) => {
      abortSignal?.addEventListener('abort', () => (abortedAt = performance.now()));
      return { says: texts('It ma'), hangs: true };
    });
    const node = await bed.startNode(() => ({ model, messages: asked }));
    const { run } = await node.runs.start(question);
    const viewers = [read(node.hub, run.id), read(node.hub, run.id)];
    await untilText(node.hub, run.id, 'It ma');
    const other = await bed.startNode(() => ({ model, messages: asked }));
    const begunAt = performance.now();
    await other.runs.stop(run.id, 'bob');
    for (const { state, types } of await Promise.all(viewers)) {
      expect(state).toMatchObject({ status: 'stopped', stoppedBy: 'bob' });
      expect(textOfRun(state)).toBe('It ma');
      expect(types).toContain('run-stopping');
    }
    expect(abortedAt - begunAt).toBeLessThan(250);
    const row = await node.runs.read(run.id);
    expect(row).toMatchObject({ status: 'stopped', usage: { isEstimated: true } });
    expect(row?.usage.outputTokens).toBeGreaterThan(0);
    expect([...node.ended, ...other.ended]).toHaveLength(1);
  });

  test('RUN-10: a model that fails ends it in words that give nothing away', async () => {
    const model = new MockLanguageModelV4({
      doStream: () => Promise.reject(new Error('key sk-123 is no good')),
    });
    const node = await bed.startNode(() => ({
      model,
      messages: asked,
      settings: { maxRetries: 0 },
    }));
    const { run } = await node.runs.start(question);
    const { state } = await read(node.hub, run.id);
    expect(state.status).toBe('failed');
    expect(state.error).not.toContain('sk-123');
  });

  test('RUN-10: so does an application that does not know how to answer, and it is not tried for ever', async () => {
    const node = await bed.startNode(() => {
      throw new Error('no such model');
    });
    const { run } = await node.runs.start(question);
    const { state } = await read(node.hub, run.id);
    expect(state).toMatchObject({
      status: 'failed',
      attempt: 1,
      error: expect.not.stringContaining('model'),
    });
  });

  test('RUN-9: a tool is called by its key, its outcome written before the model goes on', async () => {
    const keys: unknown[] = [];
    const told: unknown[] = [];
    const model = modelOf((step, { prompt }) => {
      told.push(prompt.at(-1));
      return { says: step === 0 ? calls('count') : [...texts('It is 2.'), finished()] };
    });
    const count = tool({
      inputSchema: jsonSchema<{ n: number }>({ type: 'object' }),
      execute({ n }, options) {
        keys.push((options as { idempotencyKey?: string }).idempotencyKey);
        return { n: n + 1 };
      },
    });
    const node = await bed.startNode(() => ({ model, messages: asked, tools: { count } }));
    const { run } = await node.runs.start(question);
    const { state } = await read(node.hub, run.id);
    expect(textOfRun(state)).toBe('It is 2.');
    expect(keys).toEqual([`${run.id}:t1`]);
    expect(told[1]).toMatchObject({ role: 'tool', content: [{ output: { value: { n: 2 } } }] });
    const stored = await bed.database.query('select status, output from millrace.ai_tool_calls');
    expect(stored).toEqual([{ status: 'done', output: '{"n":2}' }]);
  });
});

describe('a run whose owner is gone', () => {
  test('RUN-3, RUN-5, RUN-7: is written anew from its open step by whoever takes it; the first one is refused', async () => {
    const goOn = Promise.withResolvers<void>();
    const dying = new MockLanguageModelV4({
      doStream: () =>
        Promise.resolve({
          stream: new ReadableStream<Said>({
            async start(controller) {
              for (const said of texts('It made 99').slice(0, 2)) controller.enqueue(said);
              await goOn.promise;
              controller.enqueue({ type: 'text-delta', id: '0', delta: ' or so' });
              controller.enqueue({ type: 'text-end', id: '0' });
              controller.enqueue(finished());
              controller.close();
            },
          }),
        }),
    });
    const reach = bed.mortal();
    const first = await bed.startNode(() => ({ model: dying, messages: asked }), reach);
    const { run } = await first.runs.start(question);
    await untilText(first.hub, run.id, 'It made 99');
    reach.die();
    // It can't even be closed.
    bed.forget(first);
    await bed.expire(run.id);

    const model = modelOf(() => ({ says: [...texts('It made 23.'), finished()] }));
    const second = await bed.startNode(() => ({ model, messages: asked }));
    const reading = read(second.hub, run.id);
    await untilText(second.hub, run.id, '23');
    goOn.resolve();
    const { state, types } = await reading;
    expect(state).toMatchObject({ status: 'completed', attempt: 2 });
    expect(types.filter((type) => type === 'run-resumed' || type === 'step-reset')).toEqual([
      'run-resumed',
      'step-reset',
    ]);
    expect(textOfRun(state)).toBe('It made 23.');
    expect(second.ended).toMatchObject([{ state }]);
    expect(first.ended).toEqual([]);
    expect([...first.errors, ...second.errors]).toEqual([]);
  });

  test('RUN-9: no call that ended is made again; one that nobody knows of is, where its tool says so', async () => {
    const made: string[] = [];
    const told: ModelMessage[][] = [];
    const release = Promise.withResolvers<void>();
    const tools = (isFirst: boolean) => ({
      quick: tool({
        inputSchema: jsonSchema<object>({ type: 'object' }),
        execute: () => (made.push('quick'), 'quick done'),
      }),
      ...Object.fromEntries(
        ['safe', 'unsafe'].map((name) => [
          name,
          tool({
            inputSchema: jsonSchema<object>({ type: 'object' }),
            async execute(_input, { abortSignal }) {
              made.push(name);
              if (!isFirst) return `${name} again`;
              await Promise.race([
                release.promise,
                new Promise((resolve) => abortSignal?.addEventListener('abort', resolve)),
              ]);
              abortSignal?.throwIfAborted();
              return 'late';
            },
          }),
        ]),
      ),
    });
    const asking = modelOf(() => ({
      says: [
        ...calls('quick', 'a').slice(0, 1),
        ...calls('safe', 'b').slice(0, 1),
        ...calls('unsafe', 'c'),
      ],
    }));
    const idempotentTools = ['safe'];
    const first = await bed.startNode(() => ({
      ...{ model: asking, messages: asked, tools: tools(true), idempotentTools },
    }));
    const { run } = await first.runs.start(question);
    await waitFor('all calls', () => made.length === 3);
    await waitFor('the outcome of the quick one', async () => {
      const rows = await bed.database.query(
        "select 1 from millrace.ai_tool_calls where status = 'done'",
      );
      return rows.length === 1;
    });
    const answering = modelOf((_, { prompt }) => {
      told.push(prompt);
      return { says: [...texts('Done.'), finished()] };
    });
    const second = await bed.startNode(() => ({
      ...{ model: answering, messages: asked, tools: tools(false), idempotentTools },
    }));
    // It gives up what it has, as one that is told to go.
    await first.runs.close();
    const { state } = await read(second.hub, run.id);
    release.resolve();
    expect(state).toMatchObject({ status: 'completed', attempt: 2 });
    expect(made).toEqual(['quick', 'safe', 'unsafe', 'safe']);
    expect(told[0]?.slice(-1)).toMatchObject([
      {
        role: 'tool',
        content: [
          { toolCallId: 'a', output: { value: 'quick done' } },
          { toolCallId: 'b', output: { value: 'safe again' } },
          { toolCallId: 'c', output: { type: 'error-text', value: UNKNOWN_OUTCOME } },
        ],
      },
    ]);
  });

  test("RUN-9: with a call that is its client's to make, is over with that call", async () => {
    const model = modelOf(() => ({ says: calls('ask'), hangs: true }));
    const ask = { inputSchema: jsonSchema<never>({ type: 'object' }) };
    const node = await bed.startNode(() => ({ model, messages: asked, tools: { ask } }));
    const { run } = await node.runs.start(question);
    const signal = AbortSignal.timeout(WAIT_MS);
    for await (const told of node.hub.follow(aiRuns.of({ runId: run.id }), {
      start: 'start',
      signal,
    })) {
      if (told.type === 'event' && told.event.type === 'tool-call') break;
      if (told.type === 'verdict' && told.verdict.verdict === 'snapshot') {
        if ((told.verdict.state as RunState).parts.some((part) => part.type === 'tool')) break;
      }
    }
    const other = await bed.startNode(() => ({ model, messages: asked, tools: { ask } }));
    await node.runs.close();
    expect((await read(other.hub, run.id)).state).toMatchObject({
      ...{ status: 'completed', finishReason: 'tool-calls' },
      parts: [{ type: 'step' }, { type: 'tool', name: 'ask', status: 'called' }],
    });
  });

  test('RUN-7: is interrupted once too many died of it, and never goes on for ever', async () => {
    const model = modelOf(() => ({ says: texts('It ma'), hangs: true }));
    const reach = bed.mortal();
    const node = await bed.startNode(() => ({ model, messages: asked }), reach);
    const { run } = await node.runs.start(question);
    await untilText(node.hub, run.id, 'It ma');
    reach.die();
    bed.forget(node);
    await bed.expire(run.id);
    const other = await bed.startNode(() => ({ model, messages: asked }), { maxAttempts: 1 });
    expect((await read(other.hub, run.id)).state).toMatchObject({
      status: 'interrupted',
      attempt: 2,
    });
  });

  test('RUN-8: that was asked to stop is stopped by whoever takes it', async () => {
    const model = modelOf(() => ({ says: texts('It ma'), hangs: true }));
    const node = await bed.startNode(() => ({ model, messages: asked }));
    const { run } = await node.runs.start(question);
    await untilText(node.hub, run.id, 'It ma');
    await node.runs.close();
    await bed.database.query(
      `update millrace.ai_runs set status = 'stopping', stopped_by = 'bob' where id = '${run.id}'`,
    );
    const other = await bed.startNode(() => ({ model, messages: asked }));
    expect((await read(other.hub, run.id)).state).toMatchObject({
      status: 'stopped',
      stoppedBy: 'bob',
    });
  });
});

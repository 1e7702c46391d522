// Runs for a question that was answered before: asked again, and gone on with.

import { PGlite } from '@electric-sql/pglite';
import { conversations, textOfRun } from '@millrace/protocol/runs';
import { readyPglite } from '@millrace/server/testing/servers';
import { jsonSchema, type ModelMessage, tool } from 'ai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { GO_ON } from './prefix.ts';
import {
  asked,
  bedOfEach,
  calls,
  finished,
  modelOf,
  question,
  read,
  texts,
  untilText,
  waitFor,
} from './testing/run-bed.ts';
import { UNKNOWN_OUTCOME } from './tools.ts';

const bed = bedOfEach({ beforeAll, afterAll, beforeEach, afterEach }, () => readyPglite(PGlite));

const ada = { userId: 'ada' };

/** Says `It ma` and hangs at its first question, the rest at the next ones. */
function hesitant(prompts: ModelMessage[][] = []) {
  return modelOf((step, { prompt }) => {
    prompts.push(prompt);
    return step === 0
      ? { says: texts('It ma'), hangs: true }
      : { says: [...texts('de 23 trades.'), finished()] };
  });
}

describe('a run that is asked again', () => {
  test('RUN-15, RUN-13: is another run for the same question, once for each key, and says whose place it takes', async () => {
    const accepted: unknown[] = [];
    const model = modelOf((step) => ({ says: [...texts(`answer ${step}`), finished()] }));
    const node = await bed.startNode(() => ({ model, messages: asked }), {
      onAccept: async (_tx, { retryOf }) => void accepted.push(retryOf),
    });
    const first = await node.runs.start({ ...question, settings: { model: 'built-in' } });
    await read(node.hub, first.run.id);
    const again = await node.runs.retry(first.run.id, { userId: 'bob', key: 'k' });
    expect(again).toMatchObject({
      isNew: true,
      run: {
        ...{ conversationId: 'c1', userId: 'bob', question: 'Why?' },
        ...{ settings: { model: 'built-in' }, retryOf: first.run.id, isContinuation: false },
      },
    });
    expect(again.run.messageId).not.toBe(first.run.messageId);
    expect(textOfRun((await read(node.hub, again.run.id)).state)).toBe('answer 1');
    expect(await node.runs.retry(first.run.id, { userId: 'bob', key: 'k' })).toMatchObject({
      ...{ isNew: false, run: { id: again.run.id } },
    });
    expect(accepted).toEqual([null, first.run.id]);
    await node.hub.relayed();
    const { events } = await node.hub.history(conversations.of({ conversationId: 'c1' }));
    expect(
      events.flatMap(({ type, data }) => (type === 'run-accepted' ? [data.retryOf] : [])),
    ).toEqual([null, first.run.id]);
    expect(node.ended.map(({ run }) => run.retryOf)).toEqual([null, first.run.id]);
  });

  test('RUN-15: must be over and known, and waits for its turn like any other', async () => {
    const node = await bed.startNode(() => ({ model: hesitant(), messages: asked }));
    const first = await node.runs.start({ ...question, key: 'k' });
    await untilText(node.hub, first.run.id, 'It ma');
    const conflict = { code: 'request/conflict' };
    await expect(node.runs.retry(first.run.id, ada)).rejects.toMatchObject(conflict);
    await expect(node.runs.retry('unknown', ada)).rejects.toMatchObject({
      code: 'request/not-found',
    });
    await node.runs.stop(first.run.id, 'ada');
    await read(node.hub, first.run.id);
    // A key names one start.
    await expect(node.runs.retry(first.run.id, { ...ada, key: 'k' })).rejects.toMatchObject({
      ...conflict,
      details: { runId: first.run.id },
    });
    const second = await node.runs.retry(first.run.id, ada);
    await untilText(node.hub, second.run.id, 'It ma');
    await expect(node.runs.retry(first.run.id, ada)).rejects.toMatchObject({
      ...conflict,
      details: { runId: second.run.id },
    });
    const third = await node.runs.retry(first.run.id, { ...ada, overlap: 'interrupt' });
    expect((await read(node.hub, second.run.id)).state.status).toBe('stopped');
    await untilText(node.hub, third.run.id, 'It ma');
    await node.runs.stop(third.run.id, 'ada');
  });
});

describe('an answer that goes on', () => {
  test('RUN-16: begins with what a stopped run had said, which its model is given, and is asked to go on', async () => {
    const prompts: ModelMessage[][] = [];
    const model = hesitant(prompts);
    const node = await bed.startNode(() => ({ model, messages: asked }));
    const first = await node.runs.start(question);
    await untilText(node.hub, first.run.id, 'It ma');
    await node.runs.stop(first.run.id, 'ada');
    await read(node.hub, first.run.id);
    const going = await node.runs.continue(first.run.id, { ...ada, key: 'k' });
    expect(going.run).toMatchObject({ retryOf: first.run.id, isContinuation: true });
    const { state } = await read(node.hub, going.run.id);
    expect(state).toMatchObject({ status: 'completed', finishReason: 'stop' });
    expect(textOfRun(state)).toBe('It made 23 trades.');
    // What the first one took is the first one's.
    expect(state.usage).toEqual({ inputTokens: 10, outputTokens: 4, isEstimated: false });
    expect(node.ended.at(-1)?.state).toEqual(state);
    expect(prompts[1]).toMatchObject([
      { role: 'user' },
      { role: 'assistant', content: [{ type: 'text', text: 'It ma' }] },
      { role: 'user', content: [{ text: GO_ON }] },
    ]);
    await expect(node.runs.continue(going.run.id, ada)).rejects.toMatchObject({
      code: 'request/conflict',
    });
    expect(await node.runs.continue(first.run.id, { ...ada, key: 'k' })).toMatchObject({
      ...{ isNew: false, run: { id: going.run.id } },
    });
  });

  test('RUN-16: keeps the calls that were made, each with what is known of it, and makes none again', async () => {
    const made: string[] = [];
    const prompts: ModelMessage[][] = [];
    const model = modelOf((step, { prompt }) => {
      prompts.push(prompt);
      if (step > 0) return { says: [...texts('Done.'), finished()] };
      return { says: [...calls('quick', 'a').slice(0, 1), ...calls('slow', 'b')] };
    });
    const any = jsonSchema<object>({ type: 'object' });
    const tools = {
      quick: tool({ inputSchema: any, execute: () => made.push('quick') }),
      slow: tool({
        inputSchema: any,
        async execute(_input, { abortSignal }) {
          made.push('slow');
          await new Promise((resolve) => abortSignal?.addEventListener('abort', resolve));
          abortSignal?.throwIfAborted();
        },
      }),
    };
    const node = await bed.startNode(() => ({ model, messages: asked, tools }));
    const first = await node.runs.start(question);
    await waitFor('both calls', () => made.length === 2);
    await waitFor('the outcome of the quick one', async () => {
      const done = await bed.database.query(
        "select 1 from millrace.ai_tool_calls where status = 'done'",
      );
      return done.length === 1;
    });
    await node.runs.stop(first.run.id, 'ada');
    await read(node.hub, first.run.id);
    const going = await node.runs.continue(first.run.id, ada);
    const { state } = await read(node.hub, going.run.id);
    expect(textOfRun(state)).toBe('Done.');
    expect(made).toEqual(['quick', 'slow']);
    expect(state.parts).toMatchObject([
      { type: 'step', finishReason: 'other' },
      { type: 'tool', name: 'quick', status: 'done', output: 1 },
      { type: 'tool', name: 'slow', status: 'failed', error: UNKNOWN_OUTCOME },
      { type: 'step', finishReason: 'stop' },
      { type: 'text', text: 'Done.' },
    ]);
    expect(prompts[1]?.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'user']);
  });

  test('RUN-16: is taken over like any other, and its beginning stands once', async () => {
    const node = await bed.startNode(() => ({ model: hesitant(), messages: asked }));
    const first = await node.runs.start(question);
    await untilText(node.hub, first.run.id, 'It ma');
    await node.runs.stop(first.run.id, 'ada');
    await read(node.hub, first.run.id);
    await node.runs.close();

    const reach = bed.mortal();
    const silent = modelOf(() => ({ says: texts('de 99'), hangs: true }));
    const dying = await bed.startNode(() => ({ model: silent, messages: asked }), reach);
    const going = await dying.runs.continue(first.run.id, ada);
    await untilText(dying.hub, going.run.id, 'It made 99');
    reach.die();
    bed.forget(dying);
    await bed.expire(going.run.id);
    const prompts: ModelMessage[][] = [];
    const model = modelOf((_, { prompt }) => {
      prompts.push(prompt);
      return { says: [...texts('de 23.'), finished()] };
    });
    const last = await bed.startNode(() => ({ model, messages: asked }));
    const { state, types } = await read(last.hub, going.run.id);
    expect(state).toMatchObject({ status: 'completed', attempt: 2 });
    expect(types).toContain('step-reset');
    expect(textOfRun(state)).toBe('It made 23.');
    expect(prompts[0]?.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
  });

  test('RUN-16: that nobody had begun is asked anew', async () => {
    const prompts: ModelMessage[][] = [];
    const model = modelOf((step, { prompt }) => {
      prompts.push(prompt);
      return step === 0
        ? { says: [], hangs: true }
        : { says: [...texts('All of it.'), finished()] };
    });
    const node = await bed.startNode(() => ({ model, messages: asked }));
    const first = await node.runs.start(question);
    await waitFor('the model to be asked', () => prompts.length === 1);
    await node.runs.stop(first.run.id, 'ada');
    await read(node.hub, first.run.id);
    const going = await node.runs.continue(first.run.id, ada);
    expect(textOfRun((await read(node.hub, going.run.id)).state)).toBe('All of it.');
    expect(prompts[1]?.map(({ role }) => role)).toEqual(['user']);
  });
});

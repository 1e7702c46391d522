// What a run took, over however many owners: a provider that was asked is paid, whoever heard its answer.

import { PGlite } from '@electric-sql/pglite';
import { readyPglite } from '@millrace/server/testing/servers';
import { jsonSchema, type ModelMessage, tool } from 'ai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
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

const bed = bedOfEach({ beforeAll, afterAll, beforeEach, afterEach }, () => readyPglite(PGlite));

/** Some thousand tokens. */
const messages: readonly ModelMessage[] = [{ role: 'user', content: 'word '.repeat(800) }];
const model = modelOf(() => ({ says: [...texts('It made 23.'), finished()] }));

describe('what a run took', () => {
  test('RUN-14: counts a step that was lost with its owner, before its first word and in the middle', async () => {
    for (const [place, says] of [
      ['before', []],
      ['middle', texts('word '.repeat(400))],
    ] as const) {
      let isAsked = false;
      const dying = modelOf(() => {
        isAsked = true;
        return { says, hangs: true };
      });
      const reach = bed.mortal();
      const first = await bed.startNode(() => ({ model: dying, messages }), reach);
      const { run } = await first.runs.start({ ...question, conversationId: place });
      await waitFor('the model to be asked', () => isAsked);
      if (place === 'middle') await untilText(first.hub, run.id, 'word');
      reach.die();
      bed.forget(first);
      await bed.expire(run.id);
      const second = await bed.startNode(() => ({ model, messages }));
      const { state, types } = await read(second.hub, run.id);
      expect(types).toContain('run-usage');
      expect(state).toMatchObject({ status: 'completed', attempt: 2 });
      // The second owner was told 10 and 4.
      expect(state.usage.isEstimated).toBe(true);
      expect(state.usage.inputTokens).toBeGreaterThanOrEqual(1_000 + 10);
      expect(state.usage.outputTokens).toBeGreaterThanOrEqual(place === 'middle' ? 500 + 4 : 4);
      expect(await second.runs.read(run.id)).toMatchObject({ usage: state.usage });
      await second.runs.close();
    }
  });

  test('RUN-14: counts a step whose calls outlived its owner, and all owners of one that is stopped', async () => {
    let isCalled = false;
    const wait = tool({
      inputSchema: jsonSchema<object>({ type: 'object' }),
      execute(_input, { abortSignal }) {
        isCalled = true;
        return new Promise((resolve) => abortSignal?.addEventListener('abort', resolve));
      },
    });
    const calling = modelOf(() => ({
      says: [...texts('word '.repeat(400)), ...calls('wait')],
    }));
    const first = await bed.startNode(() => ({ model: calling, messages, tools: { wait } }));
    const { run } = await first.runs.start(question);
    await waitFor('the call', () => isCalled);
    await untilText(first.hub, run.id, 'word');
    const hanging = modelOf(() => ({ says: texts('It ma'), hangs: true }));
    const second = await bed.startNode(() => ({ model: hanging, messages, tools: { wait } }));
    await first.runs.close();
    await untilText(second.hub, run.id, 'It ma');
    await second.runs.stop(run.id, 'ada');
    const { state } = await read(second.hub, run.id);
    expect(state.status).toBe('stopped');
    expect(state.usage.isEstimated).toBe(true);
    expect(state.usage.inputTokens).toBeGreaterThanOrEqual(2 * 1_000);
    expect(state.usage.outputTokens).toBeGreaterThanOrEqual(500);
  });

  test('RUN-14: stands in the row at each beat, so that what an owner knew is not lost with it', async () => {
    const hanging = modelOf(() => ({ says: texts('word '.repeat(400)), hangs: true }));
    const node = await bed.startNode(() => ({ model: hanging, messages }));
    const { run } = await node.runs.start(question);
    await untilText(node.hub, run.id, 'word');
    await waitFor(
      'a beat',
      async () => ((await node.runs.read(run.id))?.usage.inputTokens ?? 0) > 0,
    );
    const told = (await node.runs.read(run.id))?.usage;
    expect(told?.inputTokens).toBeGreaterThanOrEqual(1_000);
    expect(told?.outputTokens).toBeGreaterThanOrEqual(500);
    // Its next owner has no idea how large the question was.
    const short: ModelMessage[] = [{ role: 'user', content: '?' }];
    const second = await bed.startNode(() => ({ model, messages: short }));
    await node.runs.close();
    const { state } = await read(second.hub, run.id);
    expect(state.usage.inputTokens).toBeGreaterThanOrEqual((told?.inputTokens ?? 0) + 10);
  });
});

// What a user may ask for: runs at a time, runs that wait, bytes, tokens.

import { PGlite } from '@electric-sql/pglite';
import { textOfRun } from '@millrace/protocol/runs';
import { readyPglite } from '@millrace/server/testing/servers';
import { MockLanguageModelV4 } from 'ai/test';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runLimits } from './limits.ts';
import {
  asked,
  bedOfEach,
  finished,
  modelOf,
  question,
  read,
  type Said,
  texts,
  untilText,
} from './testing/run-bed.ts';

const bed = bedOfEach({ beforeAll, afterAll, beforeEach, afterEach }, () => readyPglite(PGlite));

const hanging = modelOf(() => ({ says: texts('It ma'), hangs: true }));
/** Takes 14 tokens. */
const quick = modelOf(() => ({ says: [...texts('It made 23.'), finished()] }));

function of(conversationId: string, userId = 'ada') {
  return { ...question, conversationId, userId };
}

/** As if it had ended so long ago. */
function age(runId: string, ms: number): Promise<unknown> {
  return bed.database.query(
    `update millrace.ai_runs set ended_at = ended_at - interval '${ms} ms' where id = '${runId}'`,
  );
}

describe('limits of runs', () => {
  test('RUN-18: a user has so many conversations answered at a time, whoever else asks', async () => {
    const node = await bed.startNode(() => ({ model: hanging, messages: asked }), {
      maxRunningPerUser: 2,
    });
    const first = await node.runs.start({ ...of('a'), key: 'k' });
    await node.runs.start(of('b'));
    const refused = { code: 'limit/runs', retryable: true };
    await expect(node.runs.start(of('c'))).rejects.toMatchObject(refused);
    await node.runs.start(of('d', 'bob'));
    // What is there already is no other one, and what waits behind it runs in its stead.
    expect(await node.runs.start({ ...of('a'), key: 'k' })).toMatchObject({ isNew: false });
    await node.runs.start({ ...of('a'), overlap: 'interrupt' });
    await read(node.hub, first.run.id);
    await expect(node.runs.retry(first.run.id, { userId: 'cid' })).rejects.toMatchObject({
      code: 'request/conflict',
    });
    await expect(node.runs.start(of('c'))).rejects.toMatchObject(refused);
  });

  test('RUN-18: two starts at once are not both the last one', async () => {
    const node = await bed.startNode(() => ({ model: hanging, messages: asked }), {
      maxRunningPerUser: 3,
    });
    const starts = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) => node.runs.start(of(`c${index}`))),
    );
    expect(starts.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  });

  test('RUN-18: so many runs wait in a conversation', async () => {
    const node = await bed.startNode(() => ({ model: hanging, messages: asked }), {
      maxQueuedPerConversation: 1,
    });
    const first = await node.runs.start(question);
    await untilText(node.hub, first.run.id, 'It ma');
    await node.runs.start({ ...question, overlap: 'queue' });
    await expect(node.runs.start({ ...question, overlap: 'queue' })).rejects.toMatchObject({
      code: 'limit/runs',
    });
  });

  test('RUN-18: a question that is too long is refused, and nothing of it kept', async () => {
    const node = await bed.startNode(() => ({ model: quick, messages: asked }), {
      maxQuestionBytes: 100,
    });
    await expect(
      (async () => node.runs.start({ ...question, question: 'é'.repeat(50) }))(),
    ).rejects.toMatchObject({ code: 'limit/body-size', details: { bytes: 102 } });
    await node.runs.start({ ...question, question: 'é'.repeat(49) });
    expect(await bed.database.query('select 1 from millrace.ai_runs')).toHaveLength(1);
  });

  test('RUN-18: whoever spent their budget is told when they may ask again, and may then', async () => {
    const windowMs = 60_000;
    const budget = { tokensPerUser: 28, windowMs };
    const node = await bed.startNode(() => ({ model: quick, messages: asked }), { budget });
    const ids: string[] = [];
    for (const name of ['a', 'b']) {
      const { run } = await node.runs.start(of(name));
      await read(node.hub, run.id);
      ids.push(run.id);
    }
    const [first = '', second = ''] = ids;
    await age(first, 50_000);
    await age(second, 20_000);
    const ask = () => node.runs.start(of('c'));
    const error: unknown = await ask().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'limit/tokens', retryable: true, policy: 'retry-slowly' });
    const { retryAfterMs } = (error as { details: { retryAfterMs: number } }).details;
    // When the first of them leaves the window.
    expect(retryAfterMs).toBeLessThanOrEqual(10_000);
    expect(retryAfterMs).toBeGreaterThan(8_000);
    await node.runs.start(of('d', 'bob'));
    await age(first, retryAfterMs);
    const { run } = await ask();
    expect((await read(node.hub, run.id)).state.status).toBe('completed');
  });

  test('RUN-18: what a user spent before counts from a run’s first word on', async () => {
    const budget = { tokensPerUser: 60, windowMs: 60_000 };
    const before = await bed.startNode(() => ({ model: quick, messages: asked }), { budget });
    for (const name of ['a', 'b']) {
      const { run } = await before.runs.start(of(name));
      await read(before.hub, run.id);
    }
    await before.runs.close();
    const many = Array.from({ length: 30 }, () => 'word ');
    const model = modelOf(() => ({ says: texts(...many), hangs: true }));
    const node = await bed.startNode(() => ({ model, messages: asked }), { budget });
    const { run } = await node.runs.start(question);
    const { state } = await read(node.hub, run.id);
    expect(state).toMatchObject({ status: 'failed', error: expect.stringContaining('budget') });
    // The rest of the budget, not until a beat tells of it.
    expect(textOfRun(state).split(' ').length).toBeLessThan(25);
  });

  test('RUN-18: a run that reaches the end of the budget has failed, says so, and keeps what it said and took', async () => {
    const many = Array.from({ length: 50 }, () => 'word ');
    const model = modelOf(() => ({ says: texts(...many), hangs: true }));
    const node = await bed.startNode(() => ({ model, messages: asked }), {
      budget: { tokensPerUser: 40, windowMs: 60_000 },
    });
    const { run } = await node.runs.start(question);
    const { state } = await read(node.hub, run.id);
    expect(state).toMatchObject({ status: 'failed', error: expect.stringContaining('budget') });
    expect(textOfRun(state)).toContain('word word');
    const { inputTokens, outputTokens, isEstimated } = state.usage;
    expect(isEstimated).toBe(true);
    expect(inputTokens + outputTokens).toBeGreaterThan(40);
    expect(await node.runs.read(run.id)).toMatchObject({ usage: state.usage, status: 'failed' });
    await expect(node.runs.start(of('c2'))).rejects.toMatchObject({ code: 'limit/tokens' });
  });

  test('RUN-18: what the other runs of a user take counts, also that of other nodes', async () => {
    const model = new MockLanguageModelV4({
      doStream: ({ abortSignal }) =>
        Promise.resolve({
          stream: new ReadableStream<Said>({
            async start(controller) {
              for (const said of texts('It ma').slice(0, 2)) controller.enqueue(said);
              // Without an end, but slowly: by itself it would not reach the budget here.
              while (abortSignal?.aborted !== true) {
                controller.enqueue({ type: 'text-delta', id: '0', delta: '.' });
                await new Promise((resolve) => setTimeout(resolve, 20));
              }
            },
          }),
        }),
    });
    const node = await bed.startNode(() => ({ model, messages: asked }), {
      budget: { tokensPerUser: 1_000, windowMs: 60_000 },
    });
    const { run } = await node.runs.start(question);
    await untilText(node.hub, run.id, 'It ma');
    await bed.database.query(
      `insert into millrace.ai_runs
        (id, conversation_id, user_id, message_id, status, settings, question, input_tokens, ended_at)
        values ('elsewhere', 'c9', 'ada', 'm9', 'completed', 'null', 'null', 1000, clock_timestamp())`,
    );
    const { state } = await read(node.hub, run.id);
    expect(state).toMatchObject({ status: 'failed', error: expect.stringContaining('budget') });
  });

  test('RUN-18: a limit that can be none is refused when it is set', async () => {
    for (const limits of [
      { maxSteps: 0 },
      { stallMs: Number.NaN },
      { budget: { tokensPerUser: -1, windowMs: 1 } },
    ]) {
      expect(() => runLimits(limits)).toThrow(
        expect.objectContaining({ code: 'settings/invalid' }),
      );
    }
    expect(runLimits({ maxRetries: 0, windowMs: 0 })).toMatchObject({ maxRetries: 0, windowMs: 0 });
  });
});

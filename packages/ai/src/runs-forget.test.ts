// Runs that are forgotten: of a conversation that is deleted, and of long ago. And what none of them may take: time and
// room without end.

import { PGlite } from '@electric-sql/pglite';
import { aiRuns, conversations, textOfRun } from '@millrace/protocol/runs';
import { readyPglite } from '@millrace/server/testing/servers';
import { jsonSchema, tool } from 'ai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createForgetting } from './forgetting.ts';
import {
  asked,
  bedOfEach,
  calls,
  finished,
  modelOf,
  type Node,
  question,
  read,
  texts,
  untilText,
  waitFor,
} from './testing/run-bed.ts';

const bed = bedOfEach({ beforeAll, afterAll, beforeEach, afterEach }, () => readyPglite(PGlite));

const anything = jsonSchema<{ n: number }>({ type: 'object' });

async function count(table: string): Promise<number> {
  const [row] = await bed.database.query(`select count(*)::int as n from millrace.${table}`, []);
  return Number(row?.['n']);
}

/** Whether its channel has nothing to say. */
async function isSilent(node: Node, runId: string): Promise<boolean> {
  const { events } = await node.hub.history(aiRuns.of({ runId }), { last: 10 });
  return events.length === 0;
}

/** Answers with a tool, so that there is a call too. */
function withTool() {
  const model = modelOf((step) => ({
    says: step % 2 === 0 ? calls('look') : [...texts('Fine.'), finished()],
  }));
  const look = tool({ inputSchema: anything, execute: () => Promise.resolve(1) });
  return { model, messages: asked, tools: { look } };
}

describe('forgetting', () => {
  test('RUN-19: with its conversation a run goes, its call and its channels; others stay, and one at work', async () => {
    const answering = withTool();
    const hanging = modelOf(() => ({ says: texts('Half'), hangs: true }));
    const node = await bed.startNode(({ conversationId }) =>
      conversationId === 'busy' ? { model: hanging, messages: asked } : answering,
    );
    const mine = await node.runs.start({ ...question, conversationId: 'mine' });
    await read(node.hub, mine.run.id);
    const other = await node.runs.start({ ...question, conversationId: 'other' });
    await read(node.hub, other.run.id);
    const busy = await node.runs.start({ ...question, conversationId: 'busy' });
    await untilText(node.hub, busy.run.id, 'Half');
    expect(await count('ai_tool_calls')).toBe(2);

    await node.runs.forget('mine');
    await node.runs.forget('busy');
    expect(await node.runs.read(mine.run.id)).toBeNull();
    expect(await count('ai_tool_calls')).toBe(1);
    await waitFor('the channel’s end', () => isSilent(node, mine.run.id));
    await waitFor('the end of the conversation’s', async () => {
      const conversation = conversations.of({ conversationId: 'mine' });
      return (await node.hub.history(conversation, { last: 10 })).events.length === 0;
    });
    expect(await isSilent(node, other.run.id)).toBe(false);
    expect((await node.runs.read(busy.run.id))?.status).toBe('running');
    await expect(node.runs.forget('')).rejects.toMatchObject({ code: 'request/invalid' });
  });

  test('RUN-19: what is over for longer than it is kept goes, however much there is', async () => {
    const node = await bed.startNode(() => withTool());
    const ids: string[] = [];
    for (const conversationId of ['a', 'b', 'c']) {
      const { run } = await node.runs.start({ ...question, conversationId });
      await read(node.hub, run.id);
      ids.push(run.id);
    }
    await bed.database.query(
      `update millrace.ai_runs set ended_at = ended_at - interval '2 hours' where id <> '${ids[2]}'`,
      [],
    );
    const errors: unknown[] = [];
    const forgetting = createForgetting({
      hub: node.hub,
      database: bed.database,
      limits: { keepMs: 3_600_000 },
      onError: (error) => errors.push(error),
    });
    await forgetting.sweep();
    forgetting.close();
    expect(errors).toEqual([]);
    const left = await Promise.all(ids.map((id) => node.runs.read(id)));
    expect(left.map((run) => run?.id ?? null)).toEqual([null, null, ids[2]]);
    await waitFor('the channels’ end', () => isSilent(node, ids[0] ?? ''));
  });
});

describe('what has no end of its own', () => {
  test('RUN-18: an answer that grows past its limit has failed, with what it said kept', async () => {
    const model = modelOf(() => ({ says: texts(...Array(50).fill('0123456789')), hangs: true }));
    const node = await bed.startNode(() => ({ model, messages: asked }), { maxAnswerLength: 100 });
    const { run } = await node.runs.start(question);
    const { state } = await read(node.hub, run.id);
    expect(state).toMatchObject({ status: 'failed', error: expect.stringContaining('100') });
    expect(textOfRun(state)).toMatch(/^(0123456789){11}$/);
  });

  test('RUN-17: a run whose application does not say how it is answered has failed, and is nobody’s any more', async () => {
    let isAborted = false;
    const node = await bed.startNode(
      (_, signal) => {
        signal.addEventListener('abort', () => (isAborted = true));
        return new Promise<never>(() => undefined);
      },
      { answerMs: 50 },
    );
    const { run } = await node.runs.start(question);
    const { state } = await read(node.hub, run.id);
    expect(state.status).toBe('failed');
    expect(isAborted).toBe(true);
  });

  test('RUN-17: a tool that does not end has failed when its time is over, and the answer goes on', async () => {
    const model = modelOf((step) => ({
      says: step === 0 ? calls('hang') : [...texts('Without it.'), finished()],
    }));
    let isAborted = false;
    const hang = tool({
      inputSchema: anything,
      execute: (_, { abortSignal }) => {
        abortSignal?.addEventListener('abort', () => (isAborted = true));
        return new Promise<number>(() => undefined);
      },
    });
    const node = await bed.startNode(() => ({ model, messages: asked, tools: { hang } }), {
      toolMs: 50,
    });
    const { run } = await node.runs.start(question);
    const { state } = await read(node.hub, run.id);
    expect(isAborted).toBe(true);
    expect(state.status).toBe('completed');
    expect(textOfRun(state)).toBe('Without it.');
    expect(state.parts.find(({ type }) => type === 'tool')).toMatchObject({
      status: 'failed',
      error: 'The tool took too long.',
    });
  });
});

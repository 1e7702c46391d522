// Answers of a generator of text: ended, stopped, failed and taken over as those of a language model.

import { PGlite } from '@electric-sql/pglite';
import { textOfRun } from '@millrace/protocol/runs';
import { readyPglite } from '@millrace/server/testing/servers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { asked, bedOfEach, question, read, untilText } from './testing/run-bed.ts';
import type { TextModel } from './text-model.ts';

const bed = bedOfEach({ beforeAll, afterAll, beforeEach, afterEach }, () => readyPglite(PGlite));

const forever = new Promise<never>(() => undefined);

function saying(text: TextModel['text']): TextModel {
  return { modelId: 'counting', text };
}

describe('a text model', () => {
  test('RUN-1, RUN-14: says its answer as one text, with what it must have cost', async () => {
    const model = saying(async function* (messages) {
      yield `You asked: ${JSON.stringify(messages.at(-1)?.content)}. `;
      yield 'Fine.';
    });
    const node = await bed.startNode(() => ({ model, messages: asked }));
    const { run } = await node.runs.start(question);
    const { state } = await read(node.hub, run.id);
    expect(textOfRun(state)).toBe('You asked: "Why?". Fine.');
    expect(state).toMatchObject({ status: 'completed', model: 'counting', finishReason: 'stop' });
    expect(state.usage.isEstimated).toBe(true);
    expect(state.usage.outputTokens).toBeGreaterThan(3);
    expect(node.ended).toHaveLength(1);
  });

  test('RUN-8: is stopped though it listens to nobody, with what it said kept', async () => {
    const model = saying(async function* () {
      yield 'Half';
      await forever;
    });
    const node = await bed.startNode(() => ({ model, messages: asked }));
    const { run } = await node.runs.start(question);
    await untilText(node.hub, run.id, 'Half');
    await node.runs.stop(run.id, 'ada');
    const { state } = await read(node.hub, run.id);
    expect(state).toMatchObject({ status: 'stopped', stoppedBy: 'ada' });
    expect(textOfRun(state)).toBe('Half');
  });

  test('RUN-10: that throws has failed, in words that give nothing away', async () => {
    const model = saying(async function* () {
      yield 'Half';
      throw new Error('secret');
    });
    const node = await bed.startNode(() => ({ model, messages: asked }));
    const { run } = await node.runs.start(question);
    const { state } = await read(node.hub, run.id);
    expect(state).toMatchObject({ status: 'failed' });
    expect(state.error).not.toContain('secret');
  });

  test('RUN-3, RUN-7: whoever takes it over begins it anew, and has it whole', async () => {
    const halting = saying(async function* () {
      yield 'Ha';
      await forever;
    });
    const whole = saying(async function* () {
      yield 'Half ';
      yield 'and half.';
    });
    const { database, die } = bed.mortal();
    const dying = await bed.startNode(() => ({ model: halting, messages: asked }), { database });
    const { run } = await dying.runs.start(question);
    await untilText(dying.hub, run.id, 'Ha');
    die();
    bed.forget(dying);
    await bed.expire(run.id);
    const next = await bed.startNode(() => ({ model: whole, messages: asked }));
    const { state } = await read(next.hub, run.id);
    expect(state).toMatchObject({ status: 'completed', attempt: 2 });
    expect(textOfRun(state)).toBe('Half and half.');
  });
});

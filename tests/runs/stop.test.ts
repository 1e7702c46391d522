// A stop is asked for at one node, and another one answers the run: how long until the provider sees its line closed, and
// a tool its signal.

import { textOfRun } from '@millrace/protocol/runs';
import { startPostgres } from '@millrace/server/testing/servers';
import { jsonSchema, tool } from 'ai';
import { describe, expect, test } from 'vitest';
import { expectWithin } from '../support/timing.ts';
import { until } from '../support/wait.ts';
import { createModelBed, follow, type ModelBed, type ModelNode } from './model-bed.ts';

const STOPS = 50;
const MOST_MS = 250;
const names = Array.from({ length: STOPS }, (_, index) => `stopped-${index}`);

/** Runs whose models have said a word and then nothing. */
async function startHanging(bed: ModelBed, node: ModelNode): Promise<readonly string[]> {
  for (const name of names) {
    bed.models.queue([{ text: ['It ma', 'de 23.'], fault: { is: 'stall', at: 2 } }], name);
  }
  const runs = await Promise.all(
    names.map((name) => node.runs.start({ conversationId: name, userId: name, question: name })),
  );
  const ids = runs.map(({ run }) => run.id);
  await Promise.all(ids.map((id) => follow(node.hub, id, (state) => textOfRun(state) !== '')));
  return ids;
}

/** From the call of stop to the line's end at the provider, ms. */
async function stopOne(bed: ModelBed, other: ModelNode, name: string, id: string): Promise<number> {
  const request = bed.models.requests.find(({ model }) => model === name);
  const calledAt = performance.now();
  await other.runs.stop(id, 'ada');
  const ended = await request?.whenEnded;
  expect(ended?.by).toBe('client');
  return (ended?.atMs ?? Number.POSITIVE_INFINITY) - calledAt;
}

async function measure(bed: ModelBed, isBurst: boolean): Promise<readonly number[]> {
  const node = await bed.startNode({ maxOwned: STOPS });
  const ids = await startHanging(bed, node);
  // The one that is asked answers nothing itself.
  const other = await bed.startNode();
  const stops = names.map((name, index) => () => stopOne(bed, other, name, ids[index] ?? ''));
  const took: number[] = [];
  if (isBurst) took.push(...(await Promise.all(stops.map((stop) => stop()))));
  else for (const stop of stops) took.push(await stop());
  const ends = await Promise.all(ids.map((id) => follow(other.hub, id)));
  for (const state of ends) {
    expect(state).toMatchObject({ status: 'stopped', stoppedBy: 'ada' });
    expect(textOfRun(state)).toBe('It ma');
    expect(state.usage).toMatchObject({ isEstimated: true });
    expect(state.usage.inputTokens).toBeGreaterThan(0);
  }
  expect([...node.errors, ...other.errors]).toEqual([]);
  return took.toSorted((one, next) => one - next);
}

function tell(where: string, took: readonly number[]): void {
  const at = (share: number): string => (took[Math.ceil(took.length * share) - 1] ?? 0).toFixed(1);
  console.info(`${took.length} stops on ${where}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`);
}

describe('a stop from another node', () => {
  // One after the other: a PGlite in the same thread lets no socket close while statements wait.
  test('RUN-8: closes the line to the provider within 250 ms on PGlite', async () => {
    await using bed = await createModelBed();
    const took = await measure(bed, false);
    tell('PGlite', took);
    expectWithin(took.at(-1) ?? Number.NaN, MOST_MS, 'the slowest stop');
  });

  test.each([
    ['one after the other', false],
    ['all at once', true],
  ])(
    'RUN-8: closes the line to the provider within 250 ms on PostgreSQL, %s',
    async (how, isBurst) => {
      await using server = await startPostgres();
      await using bed = await createModelBed(server.url());
      const took = await measure(bed, isBurst);
      tell(`PostgreSQL, ${how}`, took);
      expectWithin(took.at(-1) ?? Number.NaN, MOST_MS, 'the slowest stop');
    },
  );

  test('RUN-8: reaches a tool that is at work by its signal, and the call ends with the run', async () => {
    await using bed = await createModelBed();
    let abortedAt = Number.NaN;
    let isCalled = false;
    const wait = tool({
      inputSchema: jsonSchema<object>({ type: 'object' }),
      async execute(_input, { abortSignal }) {
        isCalled = true;
        await new Promise((resolve) => abortSignal?.addEventListener('abort', resolve));
        abortedAt = performance.now();
        abortSignal?.throwIfAborted();
      },
    });
    const node = await bed.startNode({ tools: { wait } });
    bed.models.queue([{ toolCalls: [{ name: 'wait', arguments: {} }] }]);
    const { run } = await node.runs.start({
      ...{ conversationId: 'c', userId: 'ada', question: 'a' },
    });
    await until(() => isCalled, { label: 'the call' });
    const other = await bed.startNode();
    const calledAt = performance.now();
    await other.runs.stop(run.id, 'bob');
    expect(await follow(other.hub, run.id)).toMatchObject({ status: 'stopped', stoppedBy: 'bob' });
    // The model was not asked again.
    expect(bed.models.requests).toHaveLength(1);
    expectWithin(abortedAt - calledAt, MOST_MS, 'the signal');
  });
});

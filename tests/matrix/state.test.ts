// Client × hub: channels with state. Server and client fold with the contract's one `reduce`, so whatever is compacted
// and cut when, each state a client is told is the fold of all events up to its cursor. And states come at their pace.

import { type Carrier, type Client, createClient } from '@millrace/client';
import { type Cursor, defineChannel, type StandardSchema } from '@millrace/protocol';
import { toOffset } from '@millrace/protocol/wire';
import { type Engine, memoryEngine } from '@millrace/server';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { until } from '../support/wait.ts';
import { type MatrixHub, startMatrixHub } from './matrix-hub.ts';

const carriers: readonly Carrier[] = ['websocket', 'sse', 'poll'];

const word: StandardSchema<string> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof value === 'string' ? { value } : { issues: [{ message: 'needs a text' }] },
  },
};

/** The order of events shows in it, and a missing or doubled one. */
const story = defineChannel({
  type: 'story',
  events: { said: word },
  history: { size: 6 },
  state: { initial: '', reduce: (text, { data }) => `${text}${data} ` },
  access: { subscribe: 'public' },
});

/** The next version of it: it counts, too. */
const countedStory = defineChannel({
  type: 'story',
  version: 2,
  events: { said: word },
  history: { size: 6 },
  state: {
    initial: { text: '', count: 0 },
    reduce: ({ text, count }, { data }) => ({ text: `${text}${data} `, count: count + 1 }),
    migrate: (state) => ({ text: String(state), count: String(state).split(' ').length - 1 }),
  },
  access: { subscribe: 'public' },
});

const ticker = defineChannel({
  type: 'ticker',
  events: { moved: word },
  state: { initial: 0, reduce: (count) => count + 1 },
  deliver: 'state',
  everyMs: 100,
  access: { subscribe: 'public' },
});

interface Told {
  readonly state: string;
  readonly cursor: Cursor;
}

type Step =
  | { readonly do: 'publish'; readonly count: number }
  | { readonly do: 'compact'; readonly size: number }
  | { readonly do: 'cut' }
  | { readonly do: 'join' };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('publish' as const), count: fc.nat(9) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('compact' as const), size: fc.nat(5) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('cut' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('join' as const) }) },
  ),
  { minLength: 6, maxLength: 14 },
);

const foldAll = (texts: readonly string[]): string => texts.map((text) => `${text} `).join('');

/** As a second hub on the same engine would: with a state of its own, folded from all events. */
async function compact(engine: Engine, all: readonly string[], size: number): Promise<void> {
  await engine.log.compact(story.of().name, {
    size: size + 1,
    maxAgeMs: 1e9,
    needsSnapshot: true,
    snapshot: { offset: toOffset(all.length), version: 1, text: JSON.stringify(foldAll(all)) },
  });
}

async function runSteps(carrier: Carrier, list: readonly Step[]): Promise<void> {
  const engine = memoryEngine();
  await using server = await startMatrixHub({}, { engine, contracts: [story] });
  const all: string[] = [];
  const told: Told[] = [];
  const verdicts: string[] = [];
  const errors: string[] = [];
  const clients: Client[] = [];
  const latest: Told[] = [];

  function join(): void {
    const client = openClient(server, carrier, errors);
    const index = clients.push(client) - 1;
    client.subscribe(story.of(), {
      onVerdict: ({ verdict }) => verdicts.push(verdict),
      onState(state, cursor) {
        const one = { state, cursor };
        told.push(one);
        // Never back.
        expect(cursor.offset).toBeGreaterThanOrEqual(latest[index]?.cursor.offset ?? 0);
        latest[index] = one;
      },
    });
  }

  async function run(step: Step): Promise<void> {
    switch (step.do) {
      case 'publish':
        for (let left = step.count; left > 0; left -= 1) {
          const text = `w${all.length + 1}`;
          all.push(text);
          await server.hub.publish(story.of(), { type: 'said', data: text });
        }
        return;
      case 'compact':
        if (all.length > 0) await compact(engine, all, step.size);
        return;
      case 'cut':
        server.proxy.cutAll({ how: 'rst' });
        return;
      case 'join':
        join();
        return;
    }
  }

  join();
  for (const step of list) await run(step);
  join();
  await run({ do: 'publish', count: 1 });
  const hasAll = (): boolean =>
    clients.every((_, index) => latest[index]?.cursor.offset === all.length);
  await until(hasAll, { label: 'the newest state everywhere', deadlineMs: 40_000 });
  for (const { state, cursor } of told) expect(state).toBe(foldAll(all.slice(0, cursor.offset)));
  expect(verdicts).not.toContain('gap');
  expect(errors).toEqual([]);
  for (const client of clients) await client.close();
  await engine.close();
}

function openClient(server: MatrixHub, carrier: Carrier, errors: string[]): Client {
  return createClient({
    url: server.url,
    transports: [carrier],
    onError: (error) => errors.push(error.message),
    // No wait before a reconnection: what is tested is what it brings.
    environment: { random: () => 0 },
  });
}

describe.each(carriers)('over %s', (carrier) => {
  test('CHAN-7: whatever is compacted and cut when, each state is the fold of all events up to its cursor', async () => {
    const property = fc.asyncProperty(steps, (list) => runSteps(carrier, list));
    await expect(fc.assert(property, { numRuns: 8 })).resolves.toBeUndefined();
  });

  test('SUB-5a: a thousand updates a second arrive as about ten states, the newest at last, across cuts', async () => {
    await using server = await startMatrixHub({}, { contracts: [ticker] });
    const errors: string[] = [];
    const client = openClient(server, carrier, errors);
    const told: { readonly state: number; readonly at: number }[] = [];
    let events = 0;
    client.subscribe(ticker.of(), {
      onState: (state) => told.push({ state, at: performance.now() }),
      onEvent: () => {
        events += 1;
      },
    });
    await until(() => told.length > 0, { label: 'the first state' });
    const startedAt = performance.now();
    let published = 0;
    let cuts = 0;
    const total = 3_000;
    while (published < total) {
      const elapsedMs = performance.now() - startedAt;
      const due = Math.min(total, Math.floor(elapsedMs));
      const items = Array.from({ length: due - published }, () => ({
        channel: ticker.of(),
        event: { type: 'moved', data: 'up' } as const,
      }));
      published = due;
      if (items.length > 0) await server.hub.publishMany(items);
      if (elapsedMs > (cuts + 1) * 1_000 && published < total) {
        cuts += 1;
        server.proxy.cutAll({ how: 'rst' });
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await until(() => told.at(-1)?.state === total, { label: 'the newest state' });
    const windows = Math.ceil((performance.now() - startedAt) / 100);
    const states = told.map(({ state }) => state);
    expect(states).toEqual(states.toSorted((a, b) => a - b));
    expect(events).toBe(0);
    expect(errors).toEqual([]);
    expect(told.length).toBeLessThanOrEqual(windows + 2);
    expect(told.length).toBeGreaterThan(windows / 2);
    await client.close();
  });
});

test('CHAN-8: after a release with a new version old pages are told, and new ones get the whole state brought up', async () => {
  const engine = memoryEngine();
  await using before = await startMatrixHub({}, { engine, contracts: [story] });
  await using after = await startMatrixHub({}, { engine, contracts: [countedStory] });
  const errors: string[] = [];
  const all: string[] = [];
  const next = () => {
    const text = `w${all.length + 1}`;
    all.push(text);
    return { type: 'said', data: text } as const;
  };
  const oldPage = openClient(before, 'websocket', errors);
  const told: string[] = [];
  const refusals: string[] = [];
  oldPage.subscribe(story.of(), {
    onState: (state) => told.push(state),
    onVerdict: (verdict) => {
      if ('error' in verdict) refusals.push(verdict.error.code);
    },
  });
  for (let count = 0; count < 10; count += 1) await before.hub.publish(story.of(), next());
  await compact(engine, all, 2);
  await before.hub.publish(story.of(), next());
  await until(() => told.at(-1) === foldAll(all), { label: 'the old page’s state' });

  const newPage = openClient(after, 'websocket', errors);
  const counted: { readonly text: string; readonly count: number }[] = [];
  newPage.subscribe(countedStory.of(), { onState: (state) => counted.push(state) });
  await until(() => counted.length > 0, { label: 'the new page’s state' });
  expect(counted[0]).toEqual({ text: foldAll(all), count: 11 });
  // Both run beside each other for a while.
  await after.hub.publish(countedStory.of(), next());
  await before.hub.publish(story.of(), next());
  await until(() => counted.at(-1)?.count === 13, { label: 'what both published' });
  expect(counted.at(-1)).toEqual({ text: foldAll(all), count: 13 });
  await until(() => told.at(-1) === foldAll(all), { label: 'the same in the old page' });

  const { port } = new URL(after.directUrl);
  before.proxy.setTarget({ host: '127.0.0.1', port: Number(port) });
  before.proxy.cutAll({ how: 'rst' });
  await until(() => refusals.length > 0, { label: 'the refusal' });
  expect(refusals).toEqual(['contract/outdated']);
  expect(errors).toEqual([]);
  await Promise.all([oldPage.close(), newPage.close()]);
  await engine.close();
});

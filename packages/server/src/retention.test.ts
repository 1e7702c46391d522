// Channels are kept to their contract's history, off the hot path.

import { DEFAULT_LIMITS, defineChannel } from '@millrace/protocol';
import { toOffset, ZERO_OFFSET } from '@millrace/protocol/wire';
import { expect, test } from 'vitest';
import { type AnyContract, createContractSet } from './contract-set.ts';
import { memoryEngine } from './engines/memory/memory-engine.ts';
import { createRetention, type Retention } from './retention.ts';
import type { Log } from './seams/log.ts';
import { noteSchema } from './testing/test-channels.ts';
import { createTick } from './tick.ts';
import { createTopics } from './topics.ts';

const short = defineChannel({
  type: 'short',
  events: { note: noteSchema },
  history: { size: 20, maxAgeMs: 60_000 },
});
const many = defineChannel({
  type: 'many',
  params: ['id'],
  events: { note: noteSchema },
  history: { size: 20, maxAgeMs: 60_000 },
});
const folded = defineChannel({
  type: 'folded',
  version: 3,
  events: { note: noteSchema },
  history: { size: 20, maxAgeMs: 60_000 },
  state: { initial: 0, reduce: (count) => count + 1 },
});

interface Running {
  readonly retention: Retention;
  readonly log: Log;
  append(channel: string, count: number): Promise<void>;
  /** Appends what this retention never hears of. */
  appendBefore(channel: string, count: number): Promise<void>;
  /** Runs what waits on the timers, and what follows from it. */
  sweep(): Promise<void>;
  advance(ms: number): void;
}

function runRetention(): Running {
  let now = Date.now();
  let due: (() => void)[] = [];
  const { log } = memoryEngine({ now: () => now });
  const timers = {
    after(_ms: number, run: () => void) {
      due.push(run);
      return () => {
        due = due.filter((one) => one !== run);
      };
    },
  };
  const onError = (error: Error): never => {
    throw error;
  };
  const topics = createTopics({
    tick: createTick(() => undefined),
    log,
    isLocal: true,
    limits: DEFAULT_LIMITS,
    timers,
    onError,
    onDelivered: () => undefined,
    onPressure: () => undefined,
    onLoaded: () => undefined,
  });
  const contracts: readonly AnyContract[] = [short, many, folded];
  const retention = createRetention({
    log,
    contracts: createContractSet(contracts),
    topics,
    timers,
    onError,
    now: () => now,
  });
  async function appendBefore(channel: string, count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      await log.append([{ channel, body: '"type":"note","data":{"text":"a"}' }]);
    }
  }

  return {
    retention,
    log,
    appendBefore,
    async append(channel, count) {
      await appendBefore(channel, count);
      retention.grew(channel, count);
    },
    async sweep() {
      const runs = due;
      due = [];
      for (const run of runs) run();
      for (let turns = 0; turns < 80; turns += 1)
        await new Promise((resolve) => setImmediate(resolve));
    },
    advance(ms) {
      now += ms;
    },
  };
}

const firstOf = async (log: Log, channel: string): Promise<number> =>
  (await log.read(channel, ZERO_OFFSET, { maxEvents: 0, maxBytes: 0 })).first;

test('LOG-8: a channel is trimmed once it is over its size by some slack, not before', async () => {
  const running = runRetention();
  await running.append('short', 15);
  await running.sweep();
  expect(await firstOf(running.log, 'short')).toBe(1);
  await running.append('short', 15);
  await running.sweep();
  expect(await firstOf(running.log, 'short')).toBe(11);
});

test('LOG-8: a quiet channel grows old too', async () => {
  const running = runRetention();
  await running.append('short', 5);
  running.advance(61_000);
  await running.sweep();
  expect(await firstOf(running.log, 'short')).toBe(6);
});

test('CHAN-7: a channel with state is trimmed together with the state up to its head', async () => {
  const running = runRetention();
  await running.append('folded', 40);
  await running.sweep();
  const page = await running.log.read('folded', ZERO_OFFSET, { maxEvents: 100, maxBytes: 100_000 });
  expect(page.snapshot).toEqual({ offset: toOffset(40), version: 3, text: '40' });
  expect(page.first).toBe(21);
});

test('after stop nothing is compacted any more', async () => {
  const running = runRetention();
  await running.append('short', 40);
  await running.retention.stop();
  await running.sweep();
  expect(await firstOf(running.log, 'short')).toBe(1);
});

test('LOG-8: channels that grow fast do not keep the others from being trimmed', async () => {
  const running = runRetention();
  const busy = Array.from({ length: 60 }, (_, index) => `many:${index}`);
  for (let rounds = 0; rounds < 3; rounds += 1) {
    for (const channel of busy) await running.append(channel, 30);
    await running.sweep();
  }
  for (const channel of busy) expect(await firstOf(running.log, channel)).toBeGreaterThan(1);
});

test('LOG-8: what an earlier process appended is trimmed once somebody reads it', async () => {
  const running = runRetention();
  await running.appendBefore('short', 40);
  await running.appendBefore('many:1', 5);
  await running.sweep();
  expect(await firstOf(running.log, 'short')).toBe(1);
  running.retention.found('short', 40);
  running.retention.found('many:1', 5);
  await running.sweep();
  expect(await firstOf(running.log, 'short')).toBe(21);
  expect(await firstOf(running.log, 'many:1')).toBe(1);
  running.advance(61_000);
  await running.sweep();
  expect(await firstOf(running.log, 'many:1')).toBe(6);
});

// Channels are kept to their contract's history, off the hot path.

import { DEFAULT_LIMITS, defineChannel } from '@millrace/protocol';
import { toOffset, ZERO_OFFSET } from '@millrace/protocol/wire';
import { expect, test } from 'vitest';
import { type AnyContract, createContractSet } from './contract-set.ts';
import { memoryEngine } from './engines/memory/memory-engine.ts';
import { createRetention, type Retention } from './retention.ts';
import type { Log } from './seams/log.ts';
import { noteSchema } from './testing/test-channels.ts';
import { createTopics } from './topics.ts';

const short = defineChannel({
  type: 'short',
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
    log,
    limits: DEFAULT_LIMITS,
    timers,
    onError,
    onDelivered: () => undefined,
  });
  const contracts: readonly AnyContract[] = [short, folded];
  const retention = createRetention({
    log,
    contracts: createContractSet(contracts),
    topics,
    timers,
    onError,
    now: () => now,
  });
  return {
    retention,
    log,
    async append(channel, count) {
      for (let index = 0; index < count; index += 1) {
        await log.append([{ channel, body: '"type":"note","data":{"text":"a"}' }]);
      }
      retention.grew(channel, count);
    },
    async sweep() {
      const runs = due;
      due = [];
      for (const run of runs) run();
      for (let turns = 0; turns < 5; turns += 1)
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

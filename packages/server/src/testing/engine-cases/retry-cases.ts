// Cases of publishers whose answers get lost, and of many that publish at once: each event once, one order for all.
// Rules: LOG-1, LOG-5, LOG-12.

import { MillraceError } from '@millrace/protocol';
import { nextOffset, ZERO_OFFSET } from '@millrace/protocol/wire';
import type { AppendOutcome, AppendRequest, Log } from '../../seams/log.ts';
import { assert, assertEqual } from '../check.ts';
import { dataOf, type EngineCase, event, offset, range, readAll } from './engine-case.ts';
import { by, codesOf } from './producer-cases.ts';

const EVENTS = 120;

export const retryCases: readonly EngineCase[] = [
  {
    rule: 'LOG-12',
    title: 'with three of ten answers lost, a producer that repeats has each event once, in order',
    async run({ engine: { log } }) {
      const lossy = losing(log, 7);
      for (let first = 1; first <= EVENTS; first += 3) {
        const batch = range(first, first + 2).map((sequence) => by(1, sequence));
        const outcomes = await untilAnswered(lossy.log, batch);
        assert(!codesOf(outcomes).some((code) => code.includes('/')), 'nothing is refused');
      }
      assert(lossy.lost() > EVENTS / 20, 'answers were lost');
      const expected = range(1, EVENTS).map((sequence) => `1.${sequence}`);
      assertEqual<unknown>(dataOf(await readAll(log, 'run')), expected, 'what is kept');
    },
  },
  {
    rule: 'LOG-5',
    title: 'with three of ten answers lost, keys keep each event once, and each has its own cursor',
    async run({ engine: { log } }) {
      const lossy = losing(log, 11);
      const cursors: unknown[] = [];
      for (const step of range(1, EVENTS)) {
        const [outcome] = await untilAnswered(lossy.log, [event('keyed', step, `k${step}`)]);
        cursors.push(outcome !== undefined && 'cursor' in outcome && outcome.cursor.offset);
      }
      assert(lossy.lost() > EVENTS / 10, 'answers were lost');
      assertEqual<unknown>(cursors, range(1, EVENTS), 'the offsets that were answered');
      assertEqual<unknown>(dataOf(await readAll(log, 'keyed')), range(1, EVENTS), 'what is kept');
    },
  },
  {
    rule: 'LOG-1',
    title: 'sixteen publishers that repeat give all readers one order, each event once',
    async run({ engine: { log } }) {
      const each = 20;
      const total = 16 * each;
      const reading = range(1, 4).map((size) => readOn(log, size * 3, total));
      await Promise.all(
        range(1, 16).map(async (publisher) => {
          const lossy = losing(log, publisher);
          for (const sequence of range(1, each)) {
            const producer = { id: `p${publisher}`, epoch: 1, sequence };
            const request = { ...event('run', `${publisher}/${sequence}`), producer };
            await untilAnswered(lossy.log, [request]);
          }
        }),
      );
      const [first, ...others] = await Promise.all(reading);
      for (const other of others) assertEqual(other, first, 'the order of another reader');
      assertEqual(new Set(first).size, total, 'the number of different events');
      for (const publisher of range(1, 16)) {
        const own = first?.filter((text) => text.startsWith(`${publisher}/`));
        const expected = range(1, each).map((sequence) => `${publisher}/${sequence}`);
        assertEqual(own, expected, `the order of publisher ${publisher}`);
      }
    },
  },
];

/** Reads pages of `maxEvents` as they come, until it has `total` events. */
async function readOn(log: Log, maxEvents: number, total: number): Promise<string[]> {
  const seen: string[] = [];
  let at = ZERO_OFFSET;
  const deadline = performance.now() + 20_000;
  while (seen.length < total) {
    assert(performance.now() < deadline, `a reader sees ${total} events within 20 s`);
    const page = await log.read('run', at, { maxEvents, maxBytes: 1_000_000 });
    assertEqual(page.entries[0]?.offset ?? nextOffset(at), nextOffset(at), 'the next offset');
    seen.push(...dataOf(page).map(String));
    at = offset(seen.length);
    if (page.entries.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return seen;
}

async function untilAnswered(
  log: Log,
  batch: readonly AppendRequest[],
): Promise<readonly AppendOutcome[]> {
  for (;;) {
    try {
      return await log.append(batch);
    } catch (thrown) {
      assert(thrown instanceof MillraceError && thrown.retryable, 'it may be tried again');
    }
  }
}

/** The log as somebody sees it who loses three of ten answers. */
function losing(log: Log, seed: number): { readonly log: Log; readonly lost: () => number } {
  let state = seed;
  let lost = 0;
  const isLost = (): boolean => {
    state = (state * 48_271) % 2_147_483_647;
    return state % 10 < 3;
  };
  return {
    lost: () => lost,
    log: {
      ...log,
      async append(batch) {
        const outcomes = await log.append(batch);
        if (!isLost()) return outcomes;
        lost += 1;
        throw new MillraceError('engine/unavailable', 'The answer got lost.');
      },
    },
  };
}

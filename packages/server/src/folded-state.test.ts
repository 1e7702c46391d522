// The folded state of one channel by itself: what it starts from, what it takes, and what its frame costs.

import { defineChannel, type StandardSchema } from '@millrace/protocol';
import { encodeEvent, encodeEventBody, toOffset } from '@millrace/protocol/wire';
import { describe, expect, test } from 'vitest';
import type { AnyContract } from './contract-set.ts';
import { createFoldedState, type FoldedState } from './folded-state.ts';
import type { LogEntry, LogPage, StoredSnapshot } from './seams/log.ts';
import { on, runCore, verdictsOf } from './testing/run-core.ts';
import { noteSchema } from './testing/test-channels.ts';
import { waitUntil } from './testing/waiting.ts';

const EPOCH = 'e';
const cursor = (offset: number) => ({ epoch: EPOCH, offset: toOffset(offset) });

/** Takes a text and gives a date: what a reducer sees is what the schema gives, not what is stored. */
const dateSchema: StandardSchema<string, Date> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof value === 'string' || value instanceof Date
        ? { value: new Date(value) }
        : { issues: [{ message: 'needs a date' }] },
  },
};

const counted = (version: number, migrate?: (state: unknown, from: number) => number) =>
  defineChannel({
    type: 'counted',
    version,
    events: { note: noteSchema },
    state: {
      initial: 0,
      reduce: (count) => count + 1,
      ...(migrate === undefined ? {} : { migrate }),
    },
  });

function failing(): never {
  throw new TypeError('cannot migrate');
}

function fold(contract: AnyContract): { state: FoldedState; errors: string[]; value(): unknown } {
  const errors: string[] = [];
  const state = createFoldedState('counted', contract, ({ message }) => errors.push(message));
  if (state === null) throw new RangeError('It has a state');
  return { state, errors, value: (): unknown => JSON.parse(state.stored(toOffset(0)).text) };
}

function page(first: number, head: number, snapshot: StoredSnapshot | null): LogPage {
  const at = { first: toOffset(first), head: toOffset(head) };
  return { epoch: EPOCH, ...at, isEnded: false, snapshot, entries: [] };
}

function snapshotAt(offset: number, version: number, state: unknown): StoredSnapshot {
  return { offset: toOffset(offset), version, text: JSON.stringify(state) };
}

function entry(offset: number, type: string, data: unknown): LogEntry {
  const text = encodeEvent(
    toOffset(offset),
    new Date(0).toISOString(),
    encodeEventBody({ type, data }),
  );
  return { offset: toOffset(offset), text };
}

describe('where it starts', () => {
  test('CHAN-8: a stored state of a lower version is brought up where the events before it are gone', () => {
    const contract = counted(3, (state, from) => Number(state) * 100 + from);
    const { state, errors, value } = fold(contract);
    expect(state.start(page(6, 9, snapshotAt(5, 2, 5)))).toBe(5);
    expect([value(), errors]).toEqual([502, []]);
  });

  test('CHAN-8: where all events are there, the state of a lower version is not needed', () => {
    const { state, errors, value } = fold(counted(3, () => 1_000));
    expect(state.start(page(1, 9, snapshotAt(5, 2, 5)))).toBe(0);
    expect([value(), errors]).toEqual([0, []]);
  });

  test.each([
    ['there is no migration', counted(3), snapshotAt(5, 2, 5)],
    ['the migration throws', counted(3, failing), snapshotAt(5, 2, 5)],
    ['it is of a higher version', counted(3, () => 7), snapshotAt(5, 4, 5)],
    ['it ends before what is kept', counted(3), snapshotAt(4, 3, 4)],
    ['it is no JSON', counted(3), { ...snapshotAt(5, 3, 5), text: '{' }],
    ['there is none', counted(3), null],
  ])(
    'CHAN-8: the state starts from what is left, and the hub says so, when %s',
    (_name, contract, stored) => {
      const { state, errors, value } = fold(contract);
      expect(state.start(page(6, 9, stored))).toBe(0);
      expect(value()).toBe(0);
      expect(errors.at(-1)).toContain('starts from what is left');
    },
  );

  test('CHAN-7: one of its own version is taken, and a channel without events needs none', () => {
    const { state, errors, value } = fold(counted(3));
    expect(state.start(page(6, 9, snapshotAt(7, 3, 70)))).toBe(7);
    expect(value()).toBe(70);
    expect(state.start(page(1, 0, null))).toBe(0);
    expect([value(), errors]).toEqual([0, []]);
  });
});

describe('what it takes', () => {
  const days = defineChannel({
    type: 'days',
    events: { day: dateSchema },
    state: {
      initial: [] as readonly number[],
      reduce: (list, { data }) => [...list, data.getUTCFullYear()],
    },
  });

  test('CHAN-7: the reducer gets what the schema gives, as it does in a client', () => {
    const { state, errors, value } = fold(days);
    state.start(page(1, 0, null));
    state.fold(entry(1, 'day', '2026-11-26T00:00:00.000Z'));
    expect([value(), errors]).toEqual([[2026], []]);
  });

  test('CHAN-5: the reducer never gets an event whose type its contract does not know', () => {
    const { state, errors, value } = fold(days);
    state.start(page(1, 0, null));
    state.fold(entry(1, 'week', 47));
    expect([value(), errors]).toEqual([[], []]);
  });

  test('CHAN-7: an event that another version let in, or that the reducer throws at, leaves the state as it was', () => {
    const { state, errors, value } = fold(days);
    state.start(page(1, 0, null));
    state.fold(entry(1, 'day', 7));
    state.fold(entry(2, 'day', '2027-01-01T00:00:00.000Z'));
    expect(value()).toEqual([2027]);
    expect(errors).toEqual([expect.stringContaining('needs a date')]);
  });
});

describe('what its frame costs', () => {
  /** Counts how often a state is made JSON. */
  let encodings = 0;
  class Weighed {
    readonly count: number;
    constructor(count: number) {
      this.count = count;
    }
    toJSON(): unknown {
      encodings += 1;
      if (this.count > 2) throw new RangeError('no JSON');
      return { count: this.count };
    }
  }
  const weighed = defineChannel({
    type: 'weighed',
    events: { note: noteSchema },
    state: { initial: new Weighed(0), reduce: ({ count }) => new Weighed(count + 1) },
    access: { subscribe: 'public' },
  });

  test('SUB-5: the state is encoded once for each place, also when it cannot be', () => {
    encodings = 0;
    const { state, errors } = fold(weighed);
    state.start(page(1, 0, null));
    const frames = Array.from({ length: 100 }, () => state.frame(cursor(0)));
    expect([new Set(frames).size, encodings]).toEqual([1, 1]);
    state.fold(entry(1, 'note', { text: 'a' }));
    expect(state.frame(cursor(1))?.text).toContain('"count":1');
    expect(encodings).toBe(2);
    for (const offset of [2, 3]) state.fold(entry(offset, 'note', { text: 'a' }));
    for (let index = 0; index < 100; index += 1) expect(state.frame(cursor(3))).toBeNull();
    expect([encodings, errors.length]).toEqual([3, 1]);
  });

  test('SUB-5: ten thousand who join at one place cost one encoding', async () => {
    await using hub = runCore({ contracts: [weighed] });
    await hub.publish(weighed.of(), 'a');
    encodings = 0;
    const links = Array.from({ length: 10_000 }, (_, index) =>
      hub.open(on(weighed.of()), `10.0.${index % 20}.1`),
    );
    await waitUntil('all verdicts', () => links.every((link) => link.frames.length >= 2), 30_000);
    expect(new Set(links.flatMap(verdictsOf))).toEqual(new Set(['snapshot']));
    expect(encodings).toBe(1);
  });
});

// The checker must be able to fail: each way in which states can be wrong is told.
import { describe, expect, test } from 'vitest';
import type { Published } from './check-record.ts';
import { checkStates, type StateExpectation } from './check-states.ts';
import { countTick, emptyTally, type Tally } from './contract.ts';
import type { RecordEntry } from './recorder.ts';

const channel = 'probe:a';
const published: Published[] = [1, 2, 3, 4].map((n) => ({ n, epoch: 'e', offset: n }));

const foldOf = (...numbers: readonly number[]): Tally => numbers.reduce(countTick, emptyTally);
const upTo = (offset: number): Tally => foldOf(...[1, 2, 3, 4].slice(0, offset));

function event(n: number, offset = n, epoch = 'e'): RecordEntry {
  return { kind: 'event', atMs: 0, channel, epoch, offset, n, sentAt: 0 };
}

function state(offset: number, tally = upTo(offset), epoch = 'e'): RecordEntry {
  return { kind: 'state', atMs: 0, channel, epoch, offset, state: tally };
}

function verdict(kind: 'exact' | 'gap' | 'denied', offset: number): RecordEntry {
  const none = { from: null, to: null, reason: null, state: null };
  return { kind: 'verdict', atMs: 0, channel, verdict: kind, epoch: 'e', offset, ...none };
}

/** As a client tells it: the verdict, then the state it has folded. */
function snapshot(offset: number, tally = upTo(offset), epoch = 'e'): readonly RecordEntry[] {
  const none = { from: null, to: null, reason: null };
  const told = { verdict: 'snapshot', epoch, offset, ...none, state: tally } as const;
  return [{ kind: 'verdict', atMs: 0, channel, ...told }, state(offset, tally, epoch)];
}

function check(
  deliver: 'events' | 'state',
  entries: readonly RecordEntry[],
  more: Partial<StateExpectation> = {},
): readonly string[] {
  return checkStates(entries, { channel, published, deliver, ...more });
}

test('CHAN-7: the tally tells a tick that is missing, doubled, changed or out of its place', () => {
  const tallies = [
    [1, 2, 3, 4],
    [1, 3, 4],
    [1, 2, 2, 3, 4],
    [1, 2, 9, 4],
    [2, 1, 3, 4],
  ];
  expect(new Set(tallies.map((numbers) => foldOf(...numbers).hash)).size).toBe(tallies.length);
});

describe('of a channel with state', () => {
  test('CHAN-7: a snapshot, the events after it and the states between them have no problem', () => {
    const later = [event(3), state(3), event(4), state(4)];
    expect(check('events', [...snapshot(0), event(1), event(2), state(2), ...later])).toEqual([]);
  });

  test('SUB-5: a late reader, and a snapshot in place of what was missed, are no problem', () => {
    expect(check('events', snapshot(4))).toEqual([]);
    const missed = [...snapshot(3), event(4), state(4)];
    expect(check('events', [...snapshot(0), event(1), state(1), ...missed])).toEqual([]);
  });

  test.each<[string, readonly RecordEntry[]]>([
    ['nothing at all', []],
    ['no snapshot', [event(1), event(2), event(3), event(4), state(4)]],
    ['no state with the first verdict', [verdict('exact', 3), event(4), state(4)]],
    ['a gap', [...snapshot(0), event(1), verdict('gap', 3), event(4), state(4)]],
    ['a refusal', [verdict('denied', 0), ...snapshot(3), event(4), state(4)]],
    ['a hole that no verdict told', [...snapshot(0), event(1), event(3), event(4), state(4)]],
    ['a hole hidden by exact', [...snapshot(1), verdict('exact', 3), event(4), state(4)]],
    ['a doubled event', [...snapshot(2), event(3), event(3), event(4), state(4)]],
    ['other contents', [...snapshot(2), event(7, 3), event(4), state(4)]],
    [
      'an event lost inside the fold',
      [...snapshot(2), event(3), event(4), state(4, foldOf(1, 2, 4))],
    ],
    [
      'one doubled inside the fold',
      [...snapshot(2), event(3), event(4), state(4, foldOf(1, 2, 3, 4, 4))],
    ],
    [
      'a wrong order inside the fold',
      [...snapshot(2), event(3), event(4), state(4, foldOf(1, 2, 4, 3))],
    ],
    ['a wrong state in the snapshot', [...snapshot(2, upTo(1)), event(3), event(4), state(4)]],
    [
      'a wrong state in the middle',
      [...snapshot(2), event(3), state(3, upTo(2)), event(4), state(4)],
    ],
    ['a state of another place', [...snapshot(2), event(3), event(4), state(3), state(4)]],
    ['a snapshot that goes back', [...snapshot(3), ...snapshot(2), event(3), event(4), state(4)]],
    ['a missing end', [...snapshot(2), event(3), state(3)]],
    ['a state that is never told at the end', [...snapshot(2), event(3), state(3), event(4)]],
  ])('CHAN-7: %s is told', (_, entries) => {
    expect(check('events', entries)).not.toEqual([]);
  });
});

describe('of a channel that delivers states', () => {
  test('SUB-5a: states that go forward and end with the newest have no problem', () => {
    expect(check('state', [...snapshot(0), ...snapshot(2), ...snapshot(4)])).toEqual([]);
  });

  test.each<[string, readonly RecordEntry[]]>([
    ['nothing at all', []],
    ['an event', [...snapshot(3), event(4), state(4)]],
    ['an older state after a newer one', [...snapshot(3), ...snapshot(2), ...snapshot(4)]],
    ['an older state the client told by itself', [...snapshot(3), state(2), ...snapshot(4)]],
    ['a state that comes twice', [...snapshot(3), ...snapshot(3), ...snapshot(4)]],
    ['a wrong state', [...snapshot(2), ...snapshot(3, foldOf(1, 3)), ...snapshot(4)]],
    ['a doubled event inside one', [...snapshot(2), ...snapshot(4, foldOf(1, 2, 3, 3))]],
    ['a state that never becomes the newest', [...snapshot(2), ...snapshot(3)]],
    [
      'a state of a place that nobody published',
      [...snapshot(4), ...snapshot(5, foldOf(1, 2, 3, 4, 5))],
    ],
  ])('SUB-5a: %s is told', (_, entries) => {
    expect(check('state', entries)).not.toEqual([]);
  });
});

describe('where a killed server forgets', () => {
  const again: Published[] = [...published, { n: 5, epoch: 'f', offset: 1 }];
  const inMemory = { published: again, hasLostAnswers: true };
  const before = [...snapshot(2), event(3), event(4), state(4)];
  const anew = snapshot(1, foldOf(5), 'f');

  test('CUR-4: a snapshot of the new epoch is no problem, and staying in the dead one is told', () => {
    expect(check('events', [...before, ...anew], inMemory)).toEqual([]);
    expect(
      check(
        'events',
        [...before, ...snapshot(0, emptyTally, 'f'), event(5, 1, 'f'), state(1, foldOf(5), 'f')],
        inMemory,
      ),
    ).toEqual([]);
    expect(check('state', [...snapshot(3), ...anew], inMemory)).toEqual([]);
    expect(check('events', before, inMemory)).not.toEqual([]);
    expect(check('state', [...snapshot(4)], inMemory)).not.toEqual([]);
  });

  test('CUR-4: an event of the new epoch without a verdict, and a way back into the dead one, are told', () => {
    expect(
      check('events', [...before, event(5, 1, 'f'), state(1, foldOf(5), 'f')], inMemory),
    ).not.toEqual([]);
    expect(check('events', [...before, ...anew, ...snapshot(4), ...anew], inMemory)).not.toEqual(
      [],
    );
  });

  test('CUR-4: the state of the dead one folded on into the new one is told', () => {
    expect(
      check('state', [...snapshot(4), ...snapshot(1, foldOf(1, 2, 3, 4, 5), 'f')], inMemory),
    ).not.toEqual([]);
  });

  test('LOG-11: the event whose answer was lost may stand at the end of the dead one, anything else is told', () => {
    const lost = [event(5), state(5, foldOf(1, 2, 3, 4, 5)), ...anew];
    expect(check('events', [...before, ...lost], inMemory)).toEqual([]);
    expect(check('state', [...snapshot(5, foldOf(1, 2, 3, 4, 5)), ...anew], inMemory)).toEqual([]);
    expect(check('events', [...before, ...lost], { published: again })).not.toEqual([]);
    expect(check('state', [...snapshot(5, foldOf(1, 2, 3, 5)), ...anew], inMemory)).not.toEqual([]);
    expect(check('state', [...snapshot(5, foldOf(1, 2, 3, 4, 7)), ...anew], inMemory)).not.toEqual(
      [],
    );
    expect(
      check('state', [...snapshot(6, foldOf(1, 2, 3, 4, 5, 5)), ...anew], inMemory),
    ).not.toEqual([]);
  });
});

// The judges can fail: records that break each promise, and what is said of them.

import { describe, expect, test } from 'vitest';
import { countTick, emptyTally, type ProbeKind, type Tally } from '../e2e/probe/contract.ts';
import type { RecordEntry } from '../e2e/probe/recorder.ts';
import { checkChannel } from './check-channel.ts';
import { checkReader } from './check-reader.ts';
import { numberOf } from './contract.ts';
import type { ChannelLog } from './fleet.ts';
import type { Acknowledged } from './publishers.ts';
import { createTruth } from './truth.ts';

const channel = 'probe:x';
const n = (count: number): number => numberOf(0, count);
let atMs = 0;

function event(offset: number, epoch = 'e', number = n(offset)): RecordEntry {
  atMs += 1;
  return { kind: 'event', atMs, channel, epoch, offset, n: number, sentAt: 0 };
}

function verdict(
  what: 'exact' | 'gap' | 'snapshot',
  offset: number,
  epoch = 'e',
  more: { readonly reason?: string; readonly state?: Tally } = {},
): RecordEntry {
  atMs += 1;
  const { reason = null, state = null } = more;
  return {
    ...{ kind: 'verdict', atMs, channel, verdict: what, epoch, offset },
    ...{ from: null, to: null, reason, state },
  };
}

function stated(offset: number, state: Tally, epoch = 'e'): RecordEntry {
  atMs += 1;
  return { kind: 'state', atMs, channel, epoch, offset, state };
}

const tally = (...numbers: readonly number[]): Tally => numbers.reduce(countTick, emptyTally);
const logOf = (...offsets: readonly number[]): ChannelLog => ({
  epoch: 'e',
  head: offsets.at(-1) ?? 0,
  entries: offsets.map((offset) => [offset, n(offset)] as const),
});
const acked = (offset: number, epoch = 'e', sentAtMs = 1): Acknowledged => ({
  ...{ id: 'plain-0', n: n(offset), epoch, offset, sentAtMs, answeredAtMs: sentAtMs + 1 },
});

function problemsOf(kind: ProbeKind, log: ChannelLog, ...entries: readonly RecordEntry[]): string {
  const truth = createTruth({ acknowledged: [], log, records: [entries] });
  const { problems } = checkReader(entries, {
    kind,
    truth,
    head: { epoch: log.epoch, offset: log.head },
    mayLose: false,
    mayReturn: false,
    agree: () => null,
  });
  return [...truth.problems, ...problems].join('; ');
}

describe('a reader’s record', () => {
  const exact = verdict('exact', 0);
  test.each<readonly [string, string, ProbeKind, readonly RecordEntry[]]>([
    ['everything, in order', '', 'plain', [exact, event(1), event(2), event(3)]],
    ['a lost event', 'e.3 came after e.1', 'plain', [exact, event(1), event(3)]],
    [
      'one that comes twice',
      'e.2 came after e.2',
      'plain',
      [exact, event(1), event(2), event(2), event(3)],
    ],
    [
      'two the wrong way round',
      'e.1 came after e.2',
      'plain',
      [exact, event(2), event(1), event(3)],
    ],
    [
      'another event in its place',
      'e.2 is n=1000009',
      'plain',
      [exact, event(1), event(2, 'e', n(9)), event(3)],
    ],
    ['an end before the head', 'it ends at e.2', 'plain', [exact, event(1), event(2)]],
    [
      'nothing before the first',
      'came before any verdict',
      'plain',
      [event(1), event(2), event(3)],
    ],
    [
      'another epoch without a word',
      'e.1 came after d.4',
      'plain',
      [verdict('exact', 3, 'd'), event(4, 'd', n(8)), event(1), event(2), event(3)],
    ],
    [
      'another epoch that is told',
      '',
      'plain',
      [
        verdict('exact', 3, 'd'),
        verdict('gap', 0, 'e', { reason: 'restarted' }),
        event(1),
        event(2),
        event(3),
      ],
    ],
    [
      'a way back to an epoch that is over',
      'd.0 is of an epoch that is over',
      'plain',
      [
        verdict('exact', 3, 'd'),
        verdict('gap', 0, 'e', { reason: 'restarted' }),
        verdict('gap', 0, 'd', { reason: 'restarted' }),
      ],
    ],
    [
      'a gap where all is kept',
      'trimmed at e.2',
      'plain',
      [exact, verdict('gap', 2, 'e', { reason: 'trimmed' }), event(3)],
    ],
    [
      'a state of what was told',
      '',
      'tallied',
      [
        verdict('snapshot', 2, 'e', { state: tally(n(1), n(2)) }),
        event(3),
        stated(3, tally(n(1), n(2), n(3))),
      ],
    ],
    [
      'a state with one event twice in it',
      'the state at e.3 is 4 events',
      'tallied',
      [
        verdict('snapshot', 2, 'e', { state: tally(n(1), n(2)) }),
        event(3),
        stated(3, tally(n(1), n(2), n(2), n(3))),
      ],
    ],
    [
      'an event where states are due',
      'where states are delivered',
      'paced',
      [verdict('snapshot', 0, 'e', { state: emptyTally }), event(1)],
    ],
  ])('EVT-1, SUB-2: %s', (_what, expected, kind, entries) => {
    const found = problemsOf(kind, logOf(1, 2, 3), ...entries);
    expect(expected === '' ? found === '' : found.includes(expected), found).toBe(true);
  });
});

describe('a channel’s log', () => {
  function found(log: ChannelLog, acknowledged: readonly Acknowledged[], lossUntilMs = 0): string {
    const truth = createTruth({ acknowledged, log, records: [] });
    const channelOfAll = { acknowledged, log, truth, keepsAll: true, lossUntilMs, newEpochs: 0 };
    return checkChannel(channelOfAll).join('; ');
  }
  test('LOG-2: what was acknowledged is there', () => {
    expect(found(logOf(1, 2), [acked(1), acked(2)])).toBe('');
    expect(found(logOf(1, 2), [acked(1), acked(3)])).toContain('acknowledged at e.3');
  });
  test('LOG-15: a loss with no other epoch is found, also where a loss was to be expected', () => {
    expect(found(logOf(1), [acked(1), acked(2)], 100)).toContain('acknowledged at e.2');
  });
  test('LOG-15: what was acknowledged in an epoch that was lost may be gone; afterwards it may not', () => {
    const epochs = '2 epochs, where 1 have a reason';
    expect(found(logOf(1), [acked(1), acked(2, 'd', 50)], 100)).toBe(epochs);
    expect(found(logOf(1), [acked(1), acked(2, 'd', 150)], 100)).toContain('acknowledged at d.2');
  });
  test('LOG-5: one that stands twice is found, and one after a later one of its publisher', () => {
    const twice: ChannelLog = {
      epoch: 'e',
      head: 2,
      entries: [
        [1, n(1)],
        [2, n(1)],
      ],
    };
    expect(found(twice, [])).toContain('stands twice');
    const turned: ChannelLog = {
      epoch: 'e',
      head: 2,
      entries: [
        [1, n(2)],
        [2, n(1)],
      ],
    };
    expect(found(turned, [])).toContain('after n=1000002 of the same publisher');
  });
  test('LOG-1: a hole is found', () => {
    expect(found(logOf(1, 3), [])).toContain('a hole before 3');
  });
});

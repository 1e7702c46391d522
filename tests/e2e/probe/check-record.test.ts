// The checker must be able to fail: each way in which a record can be wrong is told.
import { expect, test } from 'vitest';
import { checkRecord, type Published } from './check-record.ts';
import type { RecordEntry } from './recorder.ts';

const channel = 'probe:a';
const published: Published[] = [1, 2, 3, 4].map((n) => ({ n, epoch: 'e', offset: n }));

function event(n: number, offset = n, epoch = 'e'): RecordEntry {
  return { kind: 'event', atMs: 0, channel, epoch, offset, n, sentAt: 0 };
}

function verdict(kind: 'exact' | 'gap' | 'denied', offset: number, epoch = 'e'): RecordEntry {
  const none = { from: null, to: null, reason: null, state: null };
  return { kind: 'verdict', atMs: 0, channel, verdict: kind, epoch, offset, ...none };
}

function check(entries: readonly RecordEntry[], gaps: 'none' | 'announced' = 'none') {
  return checkRecord(entries, { channel, published, gaps });
}

test('EVT-1: a complete record in order has no problem', () => {
  expect(check([verdict('exact', 0), event(1), event(2), event(3), event(4)])).toEqual([]);
});

test('EVT-1: a resume at the place that was reached is no problem, also one a little behind', () => {
  const resumed = [verdict('exact', 2), event(3), verdict('exact', 2), event(4)];
  expect(check([verdict('exact', 0), event(1), event(2), ...resumed])).toEqual([]);
});

test.each<[string, readonly RecordEntry[]]>([
  ['no verdict', [event(1), event(2), event(3), event(4)]],
  ['a loss', [verdict('exact', 0), event(1), event(2), event(4)]],
  ['a loss hidden by exact', [verdict('exact', 0), event(1), verdict('exact', 3), event(4)]],
  ['a duplicate', [verdict('exact', 1), event(2), event(2), event(3), event(4)]],
  ['a wrong order', [verdict('exact', 1), event(3), event(2), event(4)]],
  ['other contents', [verdict('exact', 2), event(7, 3), event(4)]],
  ['a missing end', [verdict('exact', 1), event(2), event(3)]],
  ['nothing at all', []],
  ['a gap', [verdict('exact', 0), event(1), verdict('gap', 3), event(4)]],
  ['a refusal', [verdict('denied', 0), event(1), event(2), event(3), event(4)]],
])('EVT-1: %s is told', (_, entries) => {
  expect(check(entries)).not.toEqual([]);
});

test('EVT-1: a reader that stays in a dead epoch is behind', () => {
  const again: Published[] = [...published, { n: 9, epoch: 'f', offset: 1 }];
  const old = [verdict('exact', 2), event(3), event(4)];
  expect(checkRecord(old, { channel, published: again, gaps: 'announced' })).not.toEqual([]);
  const anew = [...old, verdict('gap', 0, 'f'), event(9, 1, 'f')];
  expect(checkRecord(anew, { channel, published: again, gaps: 'announced' })).toEqual([]);
});

test('EVT-1: an announced gap passes where gaps may be, one that goes back does not', () => {
  const start = [verdict('exact', 0), event(1)];
  expect(check([...start, verdict('gap', 3), event(4)], 'announced')).toEqual([]);
  expect(check([...start, event(2), verdict('gap', 1), event(2)], 'announced')).not.toEqual([]);
});

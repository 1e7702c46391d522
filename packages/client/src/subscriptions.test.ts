// Subscriptions without a connection: frames in, callbacks out, and the application misbehaving in between.

import {
  type ChannelEvent,
  type Cursor,
  defineChannel,
  MillraceError,
  type StandardSchema,
  type Start,
  type Verdict,
} from '@millrace/protocol';
import { toOffset } from '@millrace/protocol/wire';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSubscriptions, type Wired } from './subscriptions.ts';

const number: StandardSchema<number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof value === 'number' ? { value } : { issues: [{ message: 'no number' }] },
  },
};
const plain = defineChannel({ type: 'plain', events: { added: number } }).of();
const summed = defineChannel({
  type: 'summed',
  events: { added: number },
  state: { initial: 0, reduce: (sum, { data }) => sum + data },
}).of();

const at = (offset: number, epoch = 'e'): Cursor => ({ epoch, offset: toOffset(offset) });
const exact = (offset: number, epoch?: string): Verdict => ({
  verdict: 'exact',
  cursor: at(offset, epoch),
});
const event = (offset: number, data: unknown = offset, type = 'added'): ChannelEvent => ({
  offset: toOffset(offset),
  type,
  data,
  at: '2026-01-01T00:00:00Z',
});

function harness() {
  const errors: unknown[] = [];
  const later: (() => void)[] = [];
  let isActive = true;
  const subscriptions = createSubscriptions({
    isActive: () => isActive,
    call(callback) {
      try {
        callback();
      } catch (error) {
        errors.push(error);
      }
    },
    later: (callback) => later.push(callback),
    changed: () => undefined,
  });
  let wired: Wired = new Map();
  return {
    subscriptions,
    /** Of the link that was opened last. */
    get wired() {
      return wired;
    },
    errors,
    close: () => {
      isActive = false;
    },
    reopen: () => {
      isActive = true;
    },
    /** A new link: what it asks for. */
    connect: (): (readonly [string, Start])[] => {
      wired = new Map();
      return subscriptions.items(wired).map(({ channel, start }) => [channel, start] as const);
    },
    /** What an open link is asked for in addition. */
    asks: (): Start[] => subscriptions.changes(wired).subscribe.map(({ start }) => start),
    verdict: (verdict: Verdict, channel = 'plain', link = wired) =>
      subscriptions.verdict(channel, verdict, link),
    events: (...offsets: number[]) =>
      subscriptions.events(
        'plain',
        offsets.map((offset) => event(offset)),
        wired,
      ),
    soon: () => {
      for (const callback of later.splice(0)) callback();
    },
  };
}

function record(h: ReturnType<typeof harness>, start: Start = 'now') {
  const told: (number | string)[] = [];
  const end = h.subscriptions.add(plain, {
    start,
    onVerdict: ({ verdict }) => told.push(verdict),
    onEvent: ({ offset }) => told.push(offset),
    onEnd: () => told.push('end'),
  });
  return { told, end };
}

describe('one subscriber', () => {
  test('SUB-3: without an event it resumes by the cursor of its verdict', () => {
    const h = harness();
    record(h);
    expect(h.connect()).toEqual([['plain', 'now']]);
    h.verdict(exact(7));
    expect(h.connect()).toEqual([['plain', at(7)]]);
  });

  test('CLI-8: an event at or below the position is dropped; a skipped one makes it ask again', () => {
    const h = harness();
    const { told } = record(h);
    h.connect();
    h.verdict(exact(0));
    h.events(1, 2, 2, 1, 3);
    h.events(5);
    expect(told).toEqual(['exact', 1, 2, 3]);
    expect(h.asks()).toEqual([at(3)]);
    h.verdict(exact(3));
    h.events(4, 5);
    expect(told).toEqual(['exact', 1, 2, 3, 4, 5]);
    expect(h.asks()).toEqual([]);
  });

  test('SUB-2: an exact verdict on a later link is no news; a gap is, and tells what this one misses', () => {
    const h = harness();
    const told: Verdict[] = [];
    h.subscriptions.add(plain, { onVerdict: (verdict) => told.push(verdict) });
    h.connect();
    h.verdict(exact(3));
    h.connect();
    h.verdict(exact(3));
    expect(told).toHaveLength(1);
    h.verdict({
      verdict: 'gap',
      cursor: at(9),
      from: toOffset(4),
      to: toOffset(9),
      reason: 'trimmed',
    });
    h.verdict({ verdict: 'gap', cursor: at(0, 'f'), from: null, to: null, reason: 'restarted' });
    expect(told.slice(1)).toEqual([
      { verdict: 'gap', cursor: at(9), from: 4, to: 9, reason: 'trimmed' },
      { verdict: 'gap', cursor: at(0, 'f'), from: null, to: null, reason: 'restarted' },
    ]);
  });

  test('SUB-6: what is denied is told once, left alone on this link and asked for on the next', () => {
    const h = harness();
    const { told } = record(h);
    const denied: Verdict = { verdict: 'denied', error: new MillraceError('auth/denied', 'no') };
    h.connect();
    h.verdict(denied);
    h.verdict(denied);
    expect([told, h.asks(), h.subscriptions.items(h.wired)]).toEqual([['denied'], [], []]);
    expect(h.connect()).toEqual([['plain', 'now']]);
    h.verdict(exact(2));
    expect(told).toEqual(['denied', 'exact']);
  });

  test('SUB-9: the end comes after the last event, once, and nothing is asked for any more', () => {
    const h = harness();
    const { told } = record(h, 'start');
    h.connect();
    h.verdict(exact(0));
    h.subscriptions.end('plain', at(2));
    h.events(1, 2);
    h.subscriptions.end('plain', at(2));
    h.subscriptions.end('plain', at(2));
    expect(told).toEqual(['exact', 1, 2, 'end']);
    expect(h.connect()).toEqual([]);
  });

  test('CHAN-5: an unknown type moves the position and is not told; data that does not fit is reported', () => {
    const h = harness();
    const { told } = record(h);
    h.connect();
    h.verdict(exact(0));
    h.subscriptions.events('plain', [event(1, 1, 'novel'), event(2, 'text'), event(3)], h.wired);
    expect(told).toEqual(['exact', 3]);
    expect(h.errors).toMatchObject([{ code: 'contract/invalid-event' }]);
  });
});

describe('several subscribers of one channel', () => {
  test('SUB-1: each begins where it asked to, in turn, and none gets anything twice', () => {
    const h = harness();
    const now = record(h);
    const last = record(h, { last: 2 });
    expect(h.connect()).toEqual([['plain', 'now']]);
    h.verdict(exact(10));
    expect(h.asks()).toEqual([{ last: 2 }]);
    h.events(11);
    h.verdict(exact(9));
    h.events(10, 11, 12);
    expect(now.told).toEqual(['exact', 11, 12]);
    expect(last.told).toEqual(['exact', 10, 11, 12]);
    expect(h.connect()).toEqual([['plain', at(12)]]);
  });

  test('SUB-2: one that joins now gets its verdict before its first event and needs nothing of the link', () => {
    const h = harness();
    record(h);
    h.connect();
    h.verdict(exact(4));
    const second = record(h);
    expect(h.asks()).toEqual([]);
    expect(second.told).toEqual([]);
    h.events(5);
    h.soon();
    expect(second.told).toEqual(['exact', 5]);
  });

  test('the channel stays until the last one has left', () => {
    const h = harness();
    const first = record(h);
    const second = record(h);
    h.connect();
    h.verdict(exact(0));
    first.end();
    first.end();
    expect(h.subscriptions.changes(h.wired)).toEqual({ subscribe: [], unsubscribe: [] });
    second.end();
    expect(h.subscriptions.changes(h.wired)).toEqual({ subscribe: [], unsubscribe: ['plain'] });
  });
});

describe('CLI-7: a callback may do anything', () => {
  test('end its own and another subscription, and begin one that gets only what comes after', () => {
    const h = harness();
    const told: string[] = [];
    const end = h.subscriptions.add(plain, {
      onEvent({ offset }) {
        told.push(`a${offset}`);
        if (offset !== 1) return;
        end();
        other.end();
        h.subscriptions.add(plain, { onEvent: (e) => told.push(`c${e.offset}`) });
      },
    });
    const other = record(h);
    record(h);
    h.connect();
    h.verdict(exact(0));
    h.events(1, 2);
    expect(told).toEqual(['a1', 'c2']);
    expect(other.told).toEqual(['exact']);
  });

  test('throw: the others hear it all the same, and the error is reported', () => {
    const h = harness();
    h.subscriptions.add(plain, {
      onEvent() {
        throw new Error('mine');
      },
    });
    const { told } = record(h);
    h.connect();
    h.verdict(exact(0));
    h.events(1, 2);
    expect(told).toEqual(['exact', 1, 2]);
    expect(h.errors).toHaveLength(2);
  });

  test('close: nothing more is delivered, and after opening again nothing is lost or doubled', () => {
    const h = harness();
    const told: number[] = [];
    h.subscriptions.add(plain, {
      onEvent({ offset }) {
        told.push(offset);
        if (offset === 2) h.close();
      },
    });
    const other = record(h);
    h.connect();
    h.verdict(exact(0));
    h.events(1, 2, 3);
    expect([told, other.told]).toEqual([
      [1, 2],
      ['exact', 1],
    ]);
    h.reopen();
    expect(h.connect()).toEqual([['plain', at(1)]]);
    h.verdict(exact(1));
    h.events(2, 3);
    expect([told, other.told]).toEqual([
      [1, 2, 3],
      ['exact', 1, 2, 3],
    ]);
  });
});

describe('CLI-8a: two links at once, of which one is behind', () => {
  const restarted = (epoch: string): Verdict => {
    const cursor = at(0, epoch);
    return { verdict: 'gap', cursor, from: null, to: null, reason: 'restarted' };
  };

  test('a verdict of an epoch that is over, to what was asked before, is not taken: the link is asked again', () => {
    const h = harness();
    const { told } = record(h);
    h.connect();
    h.verdict(exact(2));
    const old = h.wired;
    // It is asked for what the client had then; meanwhile the other one tells of another epoch.
    expect(h.connect()).toEqual([['plain', at(2)]]);
    h.verdict(restarted('new'), 'plain', old);
    h.verdict(exact(2));
    h.events(3);
    expect(told).toEqual(['exact', 'gap']);
    expect(h.asks()).toEqual([at(0, 'new')]);
    // On its way since before it was asked again.
    h.events(1);
    h.verdict(exact(0, 'new'));
    h.events(1);
    expect(told).toEqual(['exact', 'gap', 1]);
  });

  test('events of an epoch that is over pass by, whatever their offsets', () => {
    const h = harness();
    const { told } = record(h);
    h.connect();
    h.verdict(exact(0));
    const old = h.wired;
    h.connect();
    h.verdict(restarted('new'));
    h.subscriptions.events('plain', [event(1)], old);
    expect(told).toEqual(['exact', 'gap']);
    expect(h.asks()).toEqual([]);
    // The old link hears of it in its turn, and is no trouble then.
    h.verdict(restarted('new'), 'plain', old);
    h.events(1);
    expect(told).toEqual(['exact', 'gap', 1]);
  });

  test('a link that stands is believed each time, as often as the channel begins again', () => {
    const h = harness();
    const { told } = record(h);
    h.connect();
    h.verdict(exact(0));
    for (const epoch of ['second', 'third']) {
      h.verdict(restarted(epoch));
      h.events(1);
    }
    expect(told).toEqual(['exact', 'gap', 1, 'gap', 1]);
    expect(h.asks()).toEqual([]);
  });
});

describe('CHAN-7: state', () => {
  test('a snapshot and what follows fold to the same as everything, also for one that joins late', () => {
    const h = harness();
    const states: number[] = [];
    const late: unknown[] = [];
    h.subscriptions.add(summed, { onState: (state) => states.push(state) });
    h.connect();
    h.verdict({ verdict: 'snapshot', cursor: at(3), version: 1, state: 6 }, 'summed');
    h.subscriptions.events('summed', [event(3), event(4), event(5)], h.wired);
    h.subscriptions.add(summed, {
      onVerdict: ({ verdict }) => late.push(verdict),
      onState: (state) => late.push(state),
    });
    h.soon();
    h.subscriptions.events('summed', [event(6)], h.wired);
    expect(states).toEqual([6, 15, 21]);
    expect(late).toEqual(['snapshot', 15, 21]);
  });

  test('a channel nobody published to begins with the initial state', () => {
    const h = harness();
    const states: number[] = [];
    h.subscriptions.add(summed, { onState: (state) => states.push(state) });
    h.connect();
    h.verdict(exact(0), 'summed');
    h.subscriptions.events('summed', [event(1)], h.wired);
    expect(states).toEqual([0, 1]);
  });

  test('SUB-5: a snapshot that is older than what was folded changes nothing, unless the log went back', () => {
    const h = harness();
    const states: number[] = [];
    h.subscriptions.add(summed, { onState: (state) => states.push(state) });
    const snapshot = (offset: number, state: number): Verdict => ({
      verdict: 'snapshot',
      cursor: at(offset),
      version: 1,
      state,
    });
    h.connect();
    h.verdict(snapshot(3, 6), 'summed');
    const old = h.wired;
    h.connect();
    h.subscriptions.events('summed', [event(4)], old);
    h.verdict(snapshot(3, 6), 'summed');
    h.subscriptions.events('summed', [event(4), event(5)], h.wired);
    expect(states).toEqual([6, 10, 15]);
    h.connect();
    h.verdict(snapshot(2, 3), 'summed');
    expect(states).toEqual([6, 10, 15, 3]);
  });
});

test('EVT-1: whatever is repeated, cut off and replayed, each gets every event once and in order', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('publish' as const), count: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ kind: fc.constant('repeat' as const), back: fc.nat(6) }),
    fc.constant({ kind: 'cut' as const }),
    fc.record({ kind: fc.constant('join' as const), last: fc.nat(8) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const h = harness();
      const readers = [record(h, 'start')];
      let head = 0;
      const answer = (start: Start): void => {
        const from =
          start === 'start'
            ? 0
            : start === 'now'
              ? head
              : 'last' in start
                ? Math.max(0, head - start.last)
                : start.offset;
        h.verdict(exact(from));
        const rest = Array.from({ length: head - from }, (_, index) => from + index + 1);
        if (rest.length > 0) h.events(...rest);
      };
      const settle = (): void => {
        for (let start = h.asks()[0]; start !== undefined; start = h.asks()[0]) answer(start);
      };
      for (const [, start] of h.connect()) answer(start);
      for (const one of steps) {
        if (one.kind === 'publish') {
          const fresh = Array.from({ length: one.count }, (_, index) => head + index + 1);
          head += one.count;
          h.events(...fresh);
        } else if (one.kind === 'repeat') {
          const from = Math.max(1, head - one.back);
          if (head > 0)
            h.events(...Array.from({ length: head - from + 1 }, (_, index) => from + index));
        } else if (one.kind === 'join') {
          readers.push(record(h, { last: one.last }));
        } else {
          // Published while nobody listens, then a new link.
          head += 1;
          for (const [, start] of h.connect()) answer(start);
        }
        settle();
        h.soon();
      }
      for (const { told } of readers) {
        const [verdict, ...offsets] = told;
        const first = Number(offsets[0] ?? head + 1);
        expect(verdict).toBe('exact');
        expect(offsets).toEqual(
          Array.from({ length: head - first + 1 }, (_, index) => first + index),
        );
      }
    }),
    { numRuns: 300 },
  );
});

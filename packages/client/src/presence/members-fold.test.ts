// The fold of members: pages, changes, and who does not come back.

import type { PresentMember } from '@millrace/protocol/wire';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMembersFold, type MembersFold, type PresenceFrame } from './members-fold.ts';

const channel = 'room:1';

function member(id: string, data: unknown = null, since = 1): PresentMember {
  return { id, since, sessions: [{ id: `${id}-tab`, at: since, data }] };
}

function everybody(members: readonly PresentMember[], hash = 'h'): PresenceFrame {
  return { type: 'presence', channel, page: 0, members, hash, leaveAfterMs: 5_000 };
}

function change(
  present: readonly PresentMember[],
  gone: readonly string[] = [],
  hash = 'h',
): PresenceFrame {
  return { type: 'presence', channel, from: 'before', hash, present, gone };
}

const ids = (fold: MembersFold): string[] => fold.list().map(({ id }) => id);

describe('the fold of members', () => {
  test('PRES-2: pages count once the last has come, and its hash is what is had', () => {
    const fold = createMembersFold();
    const page = { type: 'presence', channel, leaveAfterMs: 5_000 } as const;
    expect(fold.take({ ...page, page: 0, members: [member('a')] }, 0)).toBe(false);
    expect([fold.isKnown(), fold.hash()]).toEqual([false, undefined]);
    // A change of before: what it changes is not known.
    expect(fold.take(change([member('x')]), 0)).toBe(false);
    expect(fold.take({ ...page, page: 1, members: [member('b')], hash: 'two' }, 0)).toBe(true);
    expect([ids(fold), fold.hash()]).toEqual([['a', 'b'], 'two']);
  });

  test('PRES-2: a change replaces whole members; those it does not name are the same objects', () => {
    const fold = createMembersFold();
    fold.take(everybody([member('a'), member('b')]), 0);
    const [a, b] = fold.list();
    expect(fold.take(change([member('a', 'new'), member('b')], ['nobody'], 'h2'), 0)).toBe(true);
    expect(fold.list()[0]).toMatchObject({ id: 'a', data: 'new', joinedAt: 1, isGuest: false });
    expect(fold.list()[0]).not.toBe(a);
    expect(fold.list()[1]).toBe(b);
    expect(fold.take(change([member('a', 'new')]), 0)).toBe(false);
    expect(fold.take(change([], ['a']), 0)).toBe(true);
    expect(ids(fold)).toEqual(['b']);
    // The first frame of a change that goes on: what is had then is nothing that a server knows.
    fold.take({ type: 'presence', channel, from: 'h2', present: [member('c')], gone: [] }, 0);
    expect([ids(fold), fold.hash()]).toEqual([['b', 'c'], undefined]);
  });

  test('PRES-11: whom a server that tells of everybody anew does not name has a while to come back', () => {
    const fold = createMembersFold();
    fold.take(everybody([member('a'), member('b'), member('c')]), 0);
    const before = fold.find('b');
    fold.take(everybody([member('a')]), 1_000);
    expect(ids(fold)).toEqual(['a', 'b', 'c']);
    fold.take(change([member('b')]), 2_000);
    expect(fold.find('b')).toBe(before);
    expect(fold.expire(5_999)).toEqual({ hasLeft: false, next: 6_000 });
    expect(fold.expire(6_000)).toEqual({ hasLeft: true, next: null });
    expect(ids(fold)).toEqual(['a', 'b']);
    // One that is said to have left has left.
    fold.take(everybody([]), 7_000);
    fold.take(change([], ['a']), 7_001);
    expect(ids(fold)).toEqual(['b']);
  });

  test('PRES-2: whatever order of changes, the fold of them is the fold of their end', () => {
    const steps = fc.array(
      fc.record({
        present: fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(3)), {
          maxLength: 3,
        }),
        gone: fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 2 }),
      }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(steps, (list) => {
        const fold = createMembersFold();
        fold.take(everybody([]), 0);
        const truth = new Map<string, PresentMember>();
        for (const { present, gone } of list) {
          const members = present.map(([id, data]) => member(id, data, id.charCodeAt(0)));
          for (const one of members) truth.set(one.id, one);
          for (const id of gone) truth.delete(id);
          fold.take(change(members, gone), 0);
        }
        const other = createMembersFold();
        other.take(everybody([...truth.values()]), 0);
        expect(fold.list()).toEqual(other.list());
      }),
    );
  });
});

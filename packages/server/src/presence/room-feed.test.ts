// What watchers of one channel are told, whatever room their links have: each ends with what is.

import { parseLiveFrame } from '@millrace/protocol/wire';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { OutboundFrame } from '../seams/link.ts';
import { Members } from './members.ts';
import { RoomFeed, type Seat } from './room-feed.ts';

/** A watcher that takes a number of frames when it has room, and folds them as a client does. */
class Reader {
  readonly members = new Map<string, string>();
  seat: Seat | null = null;
  hash: string | null = null;
  room = 0;
  frames = 0;
  #pages = new Map<string, string>();

  hasRoom(): boolean {
    return this.room > 0;
  }

  tell({ text }: OutboundFrame): void {
    this.room -= 1;
    this.frames += 1;
    const frame = parseLiveFrame(JSON.parse(text));
    if (frame?.type !== 'presence' || 'error' in frame) throw new Error(`no such frame: ${text}`);
    const put = (to: Map<string, string>, list: readonly { readonly id: string }[]): void => {
      for (const member of list) to.set(member.id, JSON.stringify(member));
    };
    if ('page' in frame) {
      if (frame.page === 0) this.#pages = new Map();
      put(this.#pages, frame.members);
      if (frame.hash === undefined) return;
      this.members.clear();
      for (const [id, member] of this.#pages) this.members.set(id, member);
    } else {
      put(this.members, frame.present);
      for (const id of frame.gone) this.members.delete(id);
    }
    this.hash = frame.hash ?? null;
  }
}

const entryOf = (user: number) => ({
  node: 'n',
  key: `${user}`,
  user: `user-${user}`,
  link: 1,
  at: 1,
  since: 1,
  stamp: 1,
  data: '"x"',
});

type Act =
  | { readonly act: 'put' | 'drop'; readonly user: number }
  | { readonly act: 'flush' }
  | { readonly act: 'room'; readonly reader: number; readonly frames: number }
  | { readonly act: 'link'; readonly reader: number };

const reader = fc.nat(2);
const acts: fc.Arbitrary<Act[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        act: fc.constantFrom('put' as const, 'drop' as const),
        user: fc.nat(5),
      }),
    },
    { weight: 3, arbitrary: fc.constant({ act: 'flush' as const }) },
    {
      weight: 3,
      arbitrary: fc.record({ act: fc.constant('room' as const), reader, frames: fc.nat(3) }),
    },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('link' as const), reader }) },
  ),
  { maxLength: 60 },
);

test('PRES-2, PRES-8: whatever room its link has, and on however many links, a watcher ends with those who are present', () => {
  fc.assert(
    fc.property(acts, (list) => {
      const members = new Members();
      const feed = new RoomFeed({
        channel: 'room:1',
        leaveAfterMs: 5_000,
        maxFrameBytes: 120,
        members,
      });
      feed.ready();
      let now = 0;
      const readers = [new Reader(), new Reader(), new Reader()];
      const add = (one: Reader): void => {
        one.seat = feed.add(one, one.hash, () => undefined);
      };
      const give = (one: Reader, frames: number): void => {
        one.room = frames;
        if (one.seat !== null) feed.look(one.seat);
      };
      const flush = (): void => {
        now += 1_000;
        const change = members.flush(now);
        if (change !== null) feed.changed(change);
      };
      for (const one of readers) add(one);
      for (const one of list) {
        switch (one.act) {
          case 'put':
            members.put(entryOf(one.user));
            break;
          case 'drop':
            members.drop(entryOf(one.user));
            break;
          case 'flush':
            flush();
            break;
          case 'room':
            give(readers[one.reader] ?? new Reader(), one.frames);
            break;
          case 'link': {
            const moved = readers[one.reader];
            if (moved?.seat) feed.remove(moved.seat);
            if (moved) add(moved);
            break;
          }
        }
      }
      // Twice: who is missed is told to have gone by the second.
      flush();
      flush();
      for (const one of readers) give(one, 1_000);
      const truth = [...members.texts()].sort();
      for (const one of readers) {
        expect([...one.members.values()].sort()).toEqual(truth);
        expect(one.hash).toBe(members.hash);
        const { frames } = one;
        give(one, 1_000);
        expect(one.frames).toBe(frames);
      }
    }),
    { numRuns: 500 },
  );
});

test('PRES-2: who knows something already is told of everybody as of now, and not of people who have left meanwhile', () => {
  const members = new Members();
  const feed = new RoomFeed({
    channel: 'room:1',
    leaveAfterMs: 5_000,
    maxFrameBytes: 1_000,
    members,
  });
  const flush = (now: number): void => {
    const change = members.flush(now);
    if (change !== null) feed.changed(change);
  };
  for (const user of [1, 2]) members.put(entryOf(user));
  flush(0);
  feed.ready();
  const joined = (has: string | null): Reader => {
    const one = new Reader();
    one.room = 10;
    one.seat = feed.add(one, has, () => undefined);
    return one;
  };
  joined(null);
  members.drop(entryOf(2));
  flush(1_000);
  flush(2_000);
  // As another node had it.
  const back = joined('another.hash');
  expect([back.frames, [...back.members.keys()]]).toEqual([1, ['user-1']]);
  // A stranger shares what was made before, and the change after it.
  const stranger = joined(null);
  expect([...stranger.members.keys()]).toEqual(['user-1']);
});

// The presence of one channel in the hub in memory: members that a test sets, and the client's own session among them.

import type { LiveFrame, PresenceItem, PresentMember } from '@millrace/protocol/wire';

/** Who the hub in memory takes the client's session for. */
export const FAKE_YOU = { id: 'me', session: 'my-session' } as const;

export interface FakeRoom {
  /** Takes the client's wish; returns what the server answers. */
  want(item: PresenceItem): readonly LiveFrame[];
  /** These are present besides the client's own session; returns what a watcher is told. */
  setMembers(members: readonly PresentMember[]): readonly LiveFrame[];
  readonly isReading: boolean;
  /** The link broke: who comes back says what it wants anew. */
  unlink(): void;
}

export function createFakeRoom(channel: string, leaveAfterMs: number): FakeRoom {
  let others: readonly PresentMember[] = [];
  let me: PresentMember | null = null;
  let isWatching = false;
  let isReading = false;
  let changes = 0;

  const hash = (): string => `fake.${changes}`;

  function everybody(): LiveFrame {
    const members = me === null ? others : [...others, me];
    return { type: 'presence', channel, page: 0, members, hash: hash(), leaveAfterMs };
  }

  function change(present: readonly PresentMember[], gone: readonly string[]): LiveFrame[] {
    const from = hash();
    changes += 1;
    return isWatching ? [{ type: 'presence', channel, from, hash: hash(), present, gone }] : [];
  }

  return {
    get isReading() {
      return isReading;
    },
    want({ watch = false, have, data, ephemeral = false }) {
      isReading = ephemeral;
      const frames: LiveFrame[] = [];
      if (data === undefined) {
        if (me !== null) frames.push(...change([], [FAKE_YOU.id]));
        me = null;
      } else {
        const since = me?.since ?? Date.now();
        const session = { id: FAKE_YOU.session, at: since, data };
        const next = { id: FAKE_YOU.id, since, sessions: [session] };
        const isSame = JSON.stringify(me) === JSON.stringify(next);
        me = next;
        if (!isSame) frames.push(...change([next], []));
      }
      const isNew = watch && !isWatching && have !== hash();
      isWatching = watch;
      return isNew ? [everybody()] : frames;
    },
    setMembers(members) {
      const gone = others.filter(({ id }) => !members.some((one) => one.id === id));
      others = members;
      return change(
        members,
        gone.map(({ id }) => id),
      );
    },
    unlink() {
      isWatching = false;
      isReading = false;
    },
  };
}

// The members of one channel as frames tell of them, folded: pages gathered, changes applied, objects kept where nothing
// changed. Pure: time comes with each call. Rules: PRES-2, PRES-11.

import type { LiveFrame, PresentMember } from '@millrace/protocol/wire';

/** One tab or device of a member. */
export interface MemberSession<Data> {
  /** Public: the same on every link, and says nothing of the session's secret. */
  readonly id: string;
  /** ms since 1970. */
  readonly joinedAt: number;
  readonly data: Data;
}

/** A user, however many tabs it has, or a guest's session. The same object until something of it changes. */
export interface PresenceMember<Data> {
  /** The identity's id; `guest:…` for who is not signed in. */
  readonly id: string;
  readonly isGuest: boolean;
  /** Since when it is present without a pause, ms since 1970. */
  readonly joinedAt: number;
  /** That of the session which entered or changed last. */
  readonly data: Data;
  /** The one that entered or changed last stands last. */
  readonly sessions: readonly MemberSession<Data>[];
}

interface Held {
  readonly member: PresenceMember<unknown>;
  /** As it was told. */
  readonly told: PresentMember;
}

export interface MembersFold {
  /** What the server has told, for the next link; undefined before everybody was told. */
  hash(): string | undefined;
  /** Everybody has been told at least once. */
  isKnown(): boolean;
  /** Whether it changed anything. */
  take(frame: PresenceFrame, now: number): boolean;
  /** Who did not come back with the others leaves. `next`: when the next one does; null for none. */
  expire(now: number): { readonly hasLeft: boolean; readonly next: number | null };
  /** Those who are present longest first. */
  list(): readonly PresenceMember<unknown>[];
  find(id: string): PresenceMember<unknown> | null;
}

export type PresenceFrame = Extract<
  LiveFrame,
  { readonly page: number } | { readonly present: readonly PresentMember[] }
>;

export function createMembersFold(): MembersFold {
  const byId = new Map<string, Held>();
  /** Those that a server which tells of everybody anew did not name: they may be on their way to it. By id: until when. */
  const missing = new Map<string, number>();
  let hash: string | undefined;
  let isKnown = false;
  let pages: PresentMember[] | null = null;

  function put(member: PresentMember): boolean {
    missing.delete(member.id);
    const before = byId.get(member.id);
    // Most are new: only those that were there before are worth the comparison.
    if (before !== undefined && isSame(before.told, member)) return false;
    byId.set(member.id, { told: member, member: toMember(member) });
    return true;
  }

  function drop(id: string): boolean {
    missing.delete(id);
    return byId.delete(id);
  }

  /** A server that has just begun tells of those who have come to it so far: the others get the time to. */
  function putAll(members: readonly PresentMember[], leaveAt: number): boolean {
    const named = new Set(members.map(({ id }) => id));
    for (const id of byId.keys()) {
      if (!named.has(id) && !missing.has(id)) missing.set(id, leaveAt);
    }
    let hasChanged = !isKnown;
    isKnown = true;
    for (const member of members) hasChanged = put(member) || hasChanged;
    return hasChanged;
  }

  return {
    hash: () => hash,
    isKnown: () => isKnown,
    take(frame, now) {
      if ('page' in frame) {
        if (frame.page === 0) pages = [];
        pages?.push(...frame.members);
        if (pages === null || frame.hash === undefined) return false;
        const members = pages;
        pages = null;
        hash = frame.hash;
        return putAll(members, now + frame.leaveAfterMs);
      }
      // Of a time before what is known here, which is nothing.
      if (!isKnown) return false;
      let hasChanged = false;
      for (const member of frame.present) hasChanged = put(member) || hasChanged;
      for (const id of frame.gone) hasChanged = drop(id) || hasChanged;
      // Half of a change is no state that anybody else has.
      ({ hash } = frame);
      return hasChanged;
    },
    expire(now) {
      let hasLeft = false;
      let next: number | null = null;
      for (const [id, at] of missing) {
        if (at <= now) hasLeft = drop(id) || hasLeft;
        else next = Math.min(next ?? at, at);
      }
      return { hasLeft, next };
    },
    list: () =>
      [...byId.values()]
        .map(({ member }) => member)
        .sort((a, b) => a.joinedAt - b.joinedAt || (a.id < b.id ? -1 : 1)),
    find: (id) => byId.get(id)?.member ?? null,
  };
}

function isSame(one: PresentMember, other: PresentMember): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function toMember({ id, since, guest, sessions }: PresentMember): PresenceMember<unknown> {
  return {
    id,
    isGuest: guest === true,
    joinedAt: since,
    data: sessions.at(-1)?.data ?? null,
    sessions: sessions.map(({ id: session, at, data }) => ({ id: session, joinedAt: at, data })),
  };
}

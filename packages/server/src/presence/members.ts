// Who is present in one channel, over all nodes: sessions gathered by member, each session once wherever it is held.
// Changes are gathered until `flush`: who goes and comes back a moment later has not gone. Pure. Rules: PRES-2, PRES-5.

import { type Entry, isGuest, SetHash } from './entry.ts';

/** What changed between two looks, as JSON texts of whole members and ids. */
export interface MembersChange {
  readonly from: string;
  readonly hash: string;
  readonly present: readonly string[];
  readonly gone: readonly string[];
}

interface Member {
  /** Nearly always one; a session that moves is held by two nodes for a moment. */
  holds: Entry | readonly Entry[];
  /** The last `flush` told of it. */
  isTold: boolean;
}

/** What a member was when it was told of last; kept while it may have changed, and made anew from its sessions else. */
interface Touched {
  readonly told: string | null;
  /** Since when a `flush` has found nothing of it; null while there is something. */
  missedSince: number | null;
}

/**
 * How long somebody is missed before being told to have gone, ms: who leaves one node as it comes to another may be heard
 * of in the other order.
 */
const MISSED_MS = 300;
/** Sessions of a member that are shown: a change of one tells of them all. */
const MAX_SHOWN = 20;
const NO_HOLDS: readonly Entry[] = [];

/** A class: one for each channel with somebody in it. Lean, since there may be ten thousand in one. */
export class Members {
  readonly #byId = new Map<string, Member>();
  readonly #touched = new Map<string, Touched>();
  readonly #hash = new SetHash();

  /** Of what the last `flush` told; the same on every node that sees the same members. */
  get hash(): string {
    return this.#hash.toString();
  }

  get isTouched(): boolean {
    return this.#touched.size > 0;
  }

  /** The entry takes the place of what the same node held of the same session and member. */
  put(entry: Entry): void {
    const { user } = entry;
    const member = this.#byId.get(user);
    this.#touch(user);
    if (member === undefined) this.#byId.set(user, { holds: entry, isTold: false });
    else member.holds = packed([...listOf(member).filter((one) => !isSameHold(one, entry)), entry]);
  }

  drop(entry: Entry): void {
    const member = this.#byId.get(entry.user);
    if (member === undefined) return;
    this.#touch(entry.user);
    member.holds = packed(listOf(member).filter((one) => !isSameHold(one, entry)));
  }

  holdsOf(user: string): readonly Entry[] {
    const member = this.#byId.get(user);
    return member === undefined ? NO_HOLDS : listOf(member);
  }

  /** Where the session is held now: with the highest link. */
  holdOf(user: string, key: string): Entry | null {
    return this.holdsOf(user).reduce<Entry | null>(
      (best, one) => (one.key === key && isNewer(one, best) ? one : best),
      null,
    );
  }

  /** Since when the member is present; null when it is not. */
  since(user: string): number | null {
    const holds = this.holdsOf(user);
    return holds.length === 0 ? null : sinceOf(holds);
  }

  /** Null when nothing that anybody would see has changed. @param now ms of a clock that never goes back */
  flush(now: number): MembersChange | null {
    const from = this.hash;
    const present: string[] = [];
    const gone: string[] = [];
    for (const [id, touched] of this.#touched) {
      const { told } = touched;
      const holds = this.holdsOf(id);
      if (told !== null && isMissedTooShort(touched, holds, now)) continue;
      this.#touched.delete(id);
      const text = holds.length === 0 ? null : memberText(id, holds);
      const member = this.#byId.get(id);
      if (text === null) this.#byId.delete(id);
      else if (member !== undefined) member.isTold = true;
      if (text === told) continue;
      if (told !== null) this.#hash.remove(told);
      if (text === null) {
        gone.push(id);
      } else {
        this.#hash.add(text);
        present.push(text);
      }
    }
    return present.length + gone.length === 0 ? null : { from, hash: this.hash, present, gone };
  }

  /** The members as of the last `flush`, as JSON texts, those that came first before the others. */
  *texts(): Generator<string> {
    for (const [id, member] of this.#byId) {
      if (!member.isTold) continue;
      const touched = this.#touched.get(id);
      const text = touched === undefined ? memberText(id, listOf(member)) : touched.told;
      if (text !== null) yield text;
    }
  }

  #touch(id: string): void {
    const touched = this.#touched.get(id);
    if (touched !== undefined) {
      touched.missedSince = null;
      return;
    }
    const member = this.#byId.get(id);
    const told = member?.isTold === true ? memberText(id, listOf(member)) : null;
    this.#touched.set(id, { told, missedSince: null });
  }
}

function listOf({ holds }: Member): readonly Entry[] {
  return 'key' in holds ? [holds] : holds;
}

/** One alone needs no list around it. */
function packed(holds: readonly Entry[]): Entry | readonly Entry[] {
  const [only] = holds;
  return only !== undefined && holds.length === 1 ? only : holds;
}

function isSameHold(one: Entry, other: Entry): boolean {
  return one.node === other.node && one.key === other.key;
}

function isMissedTooShort(touched: Touched, holds: readonly Entry[], now: number): boolean {
  if (holds.length > 0) return false;
  touched.missedSince ??= now;
  return now - touched.missedSince < MISSED_MS;
}

function isNewer(one: Entry, other: Entry | null): boolean {
  return (
    other === null || one.link > other.link || (one.link === other.link && one.node > other.node)
  );
}

function sinceOf(holds: readonly Entry[]): number {
  return holds.reduce((least, { since }) => Math.min(least, since), Number.POSITIVE_INFINITY);
}

function memberText(id: string, holds: readonly Entry[]): string {
  const [only] = holds;
  const sessions = only !== undefined && holds.length === 1 ? [only] : sessionsOf(holds);
  const guest = isGuest(id) ? '"guest":true,' : '';
  const list = sessions.map(
    ({ key, at, data }) => `{"id":${JSON.stringify(key)},"at":${at},"data":${data}}`,
  );
  return [
    `{"id":${JSON.stringify(id)},"since":${sinceOf(holds)},${guest}"sessions":[`,
    list.join(','),
    ']}',
  ].join('');
}

/** Each session once, the newest of many; whose data was set last stands last. The same on every node, whatever came first. */
function sessionsOf(holds: readonly Entry[]): readonly Entry[] {
  const byKey = new Map<string, Entry>();
  for (const one of holds) if (isNewer(one, byKey.get(one.key) ?? null)) byKey.set(one.key, one);
  return [...byKey.values()]
    .sort((a, b) => a.stamp - b.stamp || (a.key < b.key ? -1 : 1))
    .slice(-MAX_SHOWN);
}

// Who is present in one channel, over all nodes: sessions gathered by member, each session once wherever it is held.
// Changes are gathered until `flush`: who goes and comes in between has not gone. Pure. Rules: PRES-2, PRES-5.

import { type Entry, isGuest, SetHash } from './entry.ts';

/** What changed between two looks, as JSON texts of whole members and ids. */
export interface MembersChange {
  readonly from: string;
  readonly hash: string;
  readonly present: readonly string[];
  readonly gone: readonly string[];
}

interface Member {
  readonly id: string;
  /** Nearly always one; a session that moves is held by two nodes for a moment. */
  holds: readonly Entry[];
  /** What the last `flush` made of it; null before its first. */
  told: string | null;
}

const NO_HOLDS: readonly Entry[] = [];

/** A class: one for each channel with somebody in it. */
export class Members {
  readonly #byId = new Map<string, Member>();
  readonly #touched = new Set<Member>();
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
    let member = this.#byId.get(entry.user);
    if (member === undefined) {
      member = { id: entry.user, holds: NO_HOLDS, told: null };
      this.#byId.set(entry.user, member);
    }
    member.holds = [...member.holds.filter((one) => !isSameHold(one, entry)), entry];
    this.#touched.add(member);
  }

  drop(entry: Entry): void {
    const member = this.#byId.get(entry.user);
    if (member === undefined) return;
    member.holds = member.holds.filter((one) => !isSameHold(one, entry));
    this.#touched.add(member);
  }

  holdsOf(user: string): readonly Entry[] {
    return this.#byId.get(user)?.holds ?? NO_HOLDS;
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

  /** Null when nothing that anybody would see has changed. */
  flush(): MembersChange | null {
    const from = this.hash;
    const present: string[] = [];
    const gone: string[] = [];
    for (const member of this.#touched) {
      const { id, holds, told } = member;
      const text = holds.length === 0 ? null : memberText(id, holds);
      if (text === null) this.#byId.delete(id);
      if (text === told) continue;
      if (told !== null) this.#hash.remove(told);
      if (text === null) {
        gone.push(id);
      } else {
        this.#hash.add(text);
        present.push(text);
      }
      member.told = text;
    }
    this.#touched.clear();
    return present.length + gone.length === 0 ? null : { from, hash: this.hash, present, gone };
  }

  /** The members as of the last `flush`, as JSON texts, those that came first before the others. */
  *texts(): Generator<string> {
    for (const { told } of this.#byId.values()) if (told !== null) yield told;
  }
}

function isSameHold(one: Entry, other: Entry): boolean {
  return one.node === other.node && one.key === other.key;
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

/** Each session once; the one whose data was set last stands last. The same on every node, whatever came first. */
function sessionsOf(holds: readonly Entry[]): readonly Entry[] {
  const byKey = new Map<string, Entry>();
  for (const one of holds) if (isNewer(one, byKey.get(one.key) ?? null)) byKey.set(one.key, one);
  return [...byKey.values()].sort((a, b) => a.stamp - b.stamp || (a.key < b.key ? -1 : 1));
}

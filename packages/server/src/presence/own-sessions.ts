// The sessions of one channel whose links this node holds, and what of them the other nodes have been told. Pure: time
// comes with each call. Rules: PRES-3 … PRES-6, PRES-9.
//
//   (none) ──enter──▶ here ──its link ends──▶ lingering ──time is over──▶ (none)
//                     ▲  └──leave, or held elsewhere for a second──────▶ (none)
//                     └──────────enter (its next link)──────────┘

import { type BusMessage, splitBySize } from './bus-message.ts';
import { type Entry, encodeEntry, isGuest, isSameEntry, SetHash } from './entry.ts';
import type { Members } from './members.ts';

/** A session that another node holds now is kept so long, ms: until every node has heard of it from the other one. */
const HAND_OVER_MS = 1_000;

export interface Entering {
  readonly key: string;
  readonly user: string;
  readonly link: number;
  /** JSON text. */
  readonly data: string;
  /** ms since 1970. */
  readonly wallMs: number;
}

interface Own {
  entry: Entry;
  /** The others know it, as it is unless it is dirty. */
  isTold: boolean;
  /** When it leaves by itself; null while its link stands. */
  leaveAt: number | null;
}

type Diff = Extract<BusMessage, { type: 'diff' }>;
type State = Extract<BusMessage, { type: 'state' }>;

/** A class: one for each channel with somebody in it. */
export class OwnSessions {
  readonly #node: string;
  readonly #members: Members;
  readonly #byKey = new Map<string, Own>();
  /** Those that the others have not been told of, or were told otherwise: by key, the text that was told last. */
  readonly #dirty = new Map<string, string | null>();
  readonly #toldHash = new SetHash();
  #seq = 0;
  /** Before it nobody leaves by itself. */
  #expireAt = Number.POSITIVE_INFINITY;

  /** @param members of the whole channel: what happens here is put there */
  constructor(node: string, members: Members) {
    this.#node = node;
    this.#members = members;
  }

  get count(): number {
    return this.#byKey.size;
  }

  get isDirty(): boolean {
    return this.#dirty.size > 0;
  }

  /** That of the last diff; 0 while nothing was told. */
  get seq(): number {
    return this.#seq;
  }

  /** Of what was told. */
  get hash(): string {
    return this.#toldHash.toString();
  }

  /** Of one member. */
  countOf(user: string): number {
    let count = 0;
    for (const { node } of this.#members.holdsOf(user)) if (node === this.#node) count += 1;
    return count;
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  /** Before it `expire` has nothing to do. */
  get expireAt(): number {
    return this.#expireAt;
  }

  /** False: a later link of the session is here or elsewhere, and its word holds. */
  enter({ key, user, link, data, wallMs }: Entering): boolean {
    const own = this.#byKey.get(key);
    if (own !== undefined && own.entry.link > link) return false;
    // The session as it is known, here or where it was before: it goes on, and nobody sees a change.
    const prior = this.#members.holdOf(user, key);
    if (prior !== null && prior.link > link) return false;
    const entry: Entry = {
      node: this.#node,
      key,
      user,
      link,
      at: prior?.at ?? wallMs,
      since: Math.min(prior?.since ?? wallMs, this.#members.since(user) ?? wallMs),
      stamp: prior?.data === data ? prior.stamp : Math.max(wallMs, (prior?.stamp ?? 0) + 1),
      data,
    };
    if (own === undefined) {
      this.#byKey.set(key, { entry, isTold: false, leaveAt: null });
      this.#changed(key, null, null, entry);
    } else {
      own.leaveAt = null;
      this.#replace(own, entry);
    }
    return true;
  }

  /** The link ended: the session stays until then, unless its next link comes. */
  detach(key: string, link: number, leaveAt: number): void {
    const own = this.#byKey.get(key);
    if (own?.entry.link === link) this.#leaveLater(own, leaveAt);
  }

  leave(key: string, user: string, link: number): void {
    const own = this.#byKey.get(key);
    if (own === undefined || own.entry.link > link || !isSameOwner(own.entry, user)) return;
    this.#remove(own);
  }

  /** Another node holds the entry: this one may have held the session before, or know its member for a shorter time. */
  heardElsewhere(entry: Entry, now: number): void {
    const own = this.#byKey.get(entry.key);
    if (own !== undefined && isSameOwner(own.entry, entry.user))
      this.#heardOfSession(own, entry, now);
    for (const { node, key } of this.#members.holdsOf(entry.user)) {
      const mine = node === this.#node ? this.#byKey.get(key) : undefined;
      // Everybody takes over the earliest time, so that all end with the same.
      if (mine !== undefined && mine.entry.since > entry.since) {
        this.#replace(mine, { ...mine.entry, since: entry.since });
      }
    }
  }

  #heardOfSession(own: Own, { user, link, at, stamp, data }: Entry, now: number): void {
    const mine = own.entry;
    if (mine.link < link) {
      this.#leaveLater(own, Math.min(own.leaveAt ?? Number.POSITIVE_INFINITY, now + HAND_OVER_MS));
    } else if (mine.user === user && mine.link > link) {
      // It was there before it came here: it goes on.
      const goesOn = { at: Math.min(mine.at, at), stamp: mine.data === data ? stamp : mine.stamp };
      this.#replace(own, { ...mine, ...goesOn });
    }
  }

  /** Ends those whose time is over. */
  expire(now: number): void {
    if (now < this.#expireAt) return;
    this.#expireAt = Number.POSITIVE_INFINITY;
    for (const own of this.#byKey.values()) {
      if (own.leaveAt === null) continue;
      if (own.leaveAt <= now) this.#remove(own);
      else this.#expireAt = Math.min(this.#expireAt, own.leaveAt);
    }
  }

  /** What the others have not been told, in messages that each stand on the one before. */
  takeDiffs(nextSeq: () => number): Diff[] {
    const dirty = [...this.#dirty];
    this.#dirty.clear();
    return splitBySize(dirty, ([key]) => this.#bytesOf(key)).map((part) => {
      const entries: Entry[] = [];
      const left: string[] = [];
      for (const [key, told] of part) {
        if (told !== null) this.#toldHash.remove(told);
        const own = this.#byKey.get(key);
        if (own === undefined) {
          left.push(key);
          continue;
        }
        own.isTold = true;
        this.#toldHash.add(encodeEntry(own.entry));
        entries.push(own.entry);
      }
      const before = this.#seq;
      this.#seq = nextSeq();
      const { hash, seq } = this;
      return { type: 'diff', node: this.#node, before, seq, hash, entries, left };
    });
  }

  /** All that was told: take the diffs first. */
  state(seqOfNone: number): State[] {
    const told = [...this.#byKey.values()].filter(({ isTold }) => isTold);
    const parts = splitBySize(told, (own) => this.#bytesOf(own.entry.key));
    const seq = this.#seq || seqOfNone;
    return (parts.length === 0 ? [[]] : parts).map((part, page, { length: pages }) => ({
      type: 'state',
      node: this.#node,
      seq,
      hash: this.hash,
      page,
      pages,
      entries: part.map(({ entry }) => entry),
    }));
  }

  #replace(own: Own, entry: Entry): void {
    if (isSameEntry(own.entry, entry)) return;
    const before = own.entry;
    own.entry = entry;
    this.#changed(entry.key, own.isTold ? before : null, before, entry);
  }

  #remove({ entry, isTold }: Own): void {
    this.#byKey.delete(entry.key);
    this.#changed(entry.key, isTold ? entry : null, entry, null);
  }

  #changed(key: string, told: Entry | null, before: Entry | null, after: Entry | null): void {
    if (before !== null && before.user !== after?.user) this.#members.drop(before);
    if (after !== null) this.#members.put(after);
    // Of several changes the first knows what was told.
    const text =
      this.#dirty.get(key) ?? (told === null || this.#dirty.has(key) ? null : encodeEntry(told));
    if (after === null && text === null) this.#dirty.delete(key);
    else this.#dirty.set(key, text);
  }

  #leaveLater(own: Own, leaveAt: number): void {
    own.leaveAt = leaveAt;
    this.#expireAt = Math.min(this.#expireAt, leaveAt);
  }

  #bytesOf(key: string): number {
    const own = this.#byKey.get(key);
    return own === undefined ? key.length + 3 : Buffer.byteLength(encodeEntry(own.entry)) + 1;
  }
}

/** A guest's session may become somebody's; nobody else's changes hands. */
function isSameOwner(entry: Entry, user: string): boolean {
  return entry.user === user || isGuest(entry.user);
}

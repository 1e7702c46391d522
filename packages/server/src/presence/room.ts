// One channel's presence at one node: its own sessions, and those of each other node as far as they are known here.
// Decides what of the others' word is taken, and what must be asked for. Pure: time comes with each call.
// Rules: PRES-5, PRES-9.

import type { BusMessage, RoomMark } from './bus-message.ts';
import { EMPTY_HASH, type Entry, encodeEntry, SetHash } from './entry.ts';
import { Members } from './members.ts';
import { OwnSessions } from './own-sessions.ts';

/** How long what is missing may still be on its way before it is asked for, ms. */
const ASK_AFTER_MS = 200;
/** How long an answer is waited for, ms. */
const ASK_AGAIN_MS = 1_000;

type Diff = Extract<BusMessage, { type: 'diff' }>;
type State = Extract<BusMessage, { type: 'state' }>;
type Leave = Extract<BusMessage, { type: 'leave' }>;

/** Another node's sessions in this channel. */
interface View {
  /** Of the last diff or state that was taken; -1 before any. */
  seq: number;
  readonly entries: Map<string, Entry>;
  /** Sessions that left by another node, by key: their links up to this one are nobody's here, whatever this node says. Null for none, as mostly. */
  left: Map<string, number> | null;
  readonly hash: SetHash;
  /** When its state is to be asked for; null while it is what it should be. */
  askAt: number | null;
  /** The pages of a state that have come. */
  pages: { readonly seq: number; readonly entries: Entry[]; next: number } | null;
}

/** A class: one for each channel that somebody here watches or is in. */
export class Room {
  readonly members: Members = new Members();
  readonly own: OwnSessions;
  readonly #views = new Map<string, View>();

  constructor(node: string) {
    this.own = new OwnSessions(node, this.members);
  }

  heardDiff({ node, before, seq, hash, entries, left }: Diff, now: number): void {
    let view = this.#views.get(node);
    if (view !== undefined && seq <= view.seq) return;
    if (view === undefined || before === 0) {
      if (view !== undefined) this.drop(node);
      view = this.#newView(node);
      // Nothing was told before it: so this is all there is.
      if (before === 0) view.seq = 0;
    }
    const isNext = view.seq === before;
    for (const key of left) this.#remove(view, key);
    for (const entry of entries) this.#put(view, entry, now);
    view.seq = seq;
    view.pages = null;
    this.#confirm(view, now, isNext && view.hash.toString() === hash);
  }

  heardState({ node, seq, hash, page, pages, entries }: State, now: number): void {
    const view = this.#views.get(node) ?? this.#newView(node);
    if (seq < view.seq) return;
    if (page === 0 && seq === view.seq && view.hash.toString() === hash) {
      // Asked for by somebody else.
      view.pages = null;
      this.#confirm(view, now, true);
      return;
    }
    if (page === 0) view.pages = { seq, entries: [], next: 0 };
    const { pages: read } = view;
    // A page was lost: what has come of it is not the state. It will be asked for again.
    if (read === null || read.seq !== seq || read.next !== page) return;
    read.next += 1;
    read.entries.push(...entries);
    if (read.next < pages) {
      // A long one is on its way: no need to ask for it again.
      if (view.askAt !== null) view.askAt = now + ASK_AGAIN_MS;
      return;
    }
    const keys = new Set(read.entries.map(({ key }) => key));
    for (const key of [...view.entries.keys()]) if (!keys.has(key)) this.#remove(view, key);
    for (const entry of read.entries) this.#put(view, entry, now);
    view.seq = seq;
    view.pages = null;
    this.#confirm(view, now, view.hash.toString() === hash);
  }

  /** A beat names the channel: is what is known of it what it should be? */
  heardMark(node: string, { seq, hash }: RoomMark, now: number): void {
    const view = this.#views.get(node);
    if (view === undefined) {
      if (hash !== EMPTY_HASH) this.#newView(node).askAt = now + ASK_AFTER_MS;
      return;
    }
    // An older one than what has come since.
    if (seq < view.seq) return;
    this.#confirm(view, now, seq === view.seq && view.hash.toString() === hash);
  }

  /** It left by `from`: a node that held it before may be dead, and would hold it for its lease. */
  heardLeave({ node: from, key, user, link }: Leave): void {
    this.own.leave(key, user, link);
    for (const [node, view] of this.#views) {
      const entry = view.entries.get(key);
      if (node === from || entry === undefined || entry.user !== user || entry.link > link)
        continue;
      view.left ??= new Map();
      view.left.set(key, link);
      this.members.drop(entry);
    }
  }

  /** Whether another node holds the session. */
  isElsewhere(key: string): boolean {
    for (const { entries } of this.#views.values()) if (entries.has(key)) return true;
    return false;
  }

  /** It is gone, or has nobody here any more. */
  drop(node: string): void {
    const view = this.#views.get(node);
    if (view === undefined) return;
    for (const key of [...view.entries.keys()]) this.#remove(view, key);
    this.#views.delete(node);
  }

  /** The node named all channels that it had at its `seq`, and this one was not among them. */
  heardNoMark(node: string, seq: number): void {
    const view = this.#views.get(node);
    // What it told later it may have begun later.
    if (view !== undefined && view.seq <= seq) this.drop(node);
  }

  /** The nodes whose state is to be asked for now. */
  dueAsks(now: number): string[] {
    const due: string[] = [];
    for (const [node, view] of this.#views) {
      if (view.askAt === null || view.askAt > now) continue;
      view.askAt = now + ASK_AGAIN_MS;
      due.push(node);
    }
    return due;
  }

  /** Somebody is present here by another node. */
  get isFollowing(): boolean {
    for (const { entries } of this.#views.values()) if (entries.size > 0) return true;
    return false;
  }

  get isAsking(): boolean {
    for (const { askAt } of this.#views.values()) if (askAt !== null) return true;
    return false;
  }

  #newView(node: string): View {
    const view: View = {
      seq: -1,
      entries: new Map(),
      left: null,
      hash: new SetHash(),
      askAt: null,
      pages: null,
    };
    this.#views.set(node, view);
    return view;
  }

  #confirm(view: View, now: number, isRight: boolean): void {
    if (isRight) view.askAt = null;
    // What has been asked for already is on its way.
    else view.askAt ??= now + ASK_AFTER_MS;
  }

  #put(view: View, entry: Entry, now: number): void {
    const before = view.entries.get(entry.key);
    if (before !== undefined) {
      view.hash.remove(encodeEntry(before));
      if (before.user !== entry.user) this.members.drop(before);
    }
    view.entries.set(entry.key, entry);
    view.hash.add(encodeEntry(entry));
    if (entry.link <= (view.left?.get(entry.key) ?? -1)) return;
    view.left?.delete(entry.key);
    this.members.put(entry);
    this.own.heardElsewhere(entry, now);
  }

  #remove(view: View, key: string): void {
    const entry = view.entries.get(key);
    if (entry === undefined) return;
    view.entries.delete(key);
    view.left?.delete(key);
    view.hash.remove(encodeEntry(entry));
    this.members.drop(entry);
  }
}

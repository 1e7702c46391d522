// The Log seam: where a channel's events live. Imports no implementation; an engine implements it.
// Rules: LOG-1 … LOG-15.
//
// Contract, in prose:
// - Offsets of a channel are 1, 2, 3 … without a hole, in the order in which appends were accepted, also
//   when many append at once. An append that is refused or fails takes no offset.
// - An append that was answered is as durable as the engine's capabilities say, and every read that starts
//   after the answer sees it.
// - The epoch names the incarnation that made the offsets. It is random, and new whenever offsets could be
//   given out twice (an engine that lost what it held). A channel's epoch may change only through that or
//   through being forgotten; a reader can always tell by comparing.
// - What a request is refused for, in this order: `publish/fenced`, `channel/ended`, `publish/sequence-gap`,
//   `publish/conflict`. A repeat is answered before the last three. What was refused changes nothing: no offset, no
//   key, no producer. A batch is judged request by request, each after what the ones before it did, in one step that
//   no other append comes into.
// - What a listener hears is a hint, never the truth: it may come late, twice, out of order or not at all. Where hints
//   may have been lost (a connection that broke), or only now begin to come, it hears `refresh`, and reads. It must not
//   throw; the engine may call it inside `append`.
// - `compact` is a compare-and-set, since several hubs, or one that was slow, compact a channel at once. A snapshot is
//   stored only if the channel goes on from it (its offset is `first - 1` or later, its epoch the channel's) and it
//   comes after the stored one: a higher version before all, within a version a higher or the same offset. One that
//   is not stored is dropped without a word; trimming goes by the one that is stored then, never by one that isn't.
// - All methods may be called at any time until `close`, from many callers at once; afterwards each rejects
//   with `engine/closed`, but `watch`, whose listener then hears nothing. An engine out of reach rejects with `engine/unavailable`, which is retryable.

import type { Cursor, Expected, MillraceError, Offset, Producer } from '@millrace/protocol';

export interface AppendEvent {
  readonly channel: string;
  /** The event's JSON text without offset and time, as `encodeEventBody` makes it. Stored as it is. */
  readonly body: string;
  /** Idempotency key within the channel, kept for 10 min at least: a repeat gets the first one's cursor. */
  readonly key?: string;
  /**
   * Never together with a key. The channel remembers each producer's epoch and last sequence for 10 min at least
   * after its last event: a sequence up to the last is a repeat and gets the cursor of the last one, which is at its
   * own event or after it. One who is not remembered, or has a new epoch, begins at 1.
   */
  readonly producer?: Producer;
  /** Refused with `publish/conflict` unless the channel's head stands there. */
  readonly expect?: Expected;
}

/** Ends the channel: a durable mark after which every append is refused with `channel/ended`. Repeating it is fine. */
export interface AppendEnd {
  readonly channel: string;
  readonly isEnd: true;
}

export type AppendRequest = AppendEvent | AppendEnd;

export type AppendOutcome =
  | { readonly cursor: Cursor; readonly at: string; readonly isDuplicate: boolean }
  /** This request alone was refused (`channel/ended`, `publish/…`); the rest of the batch stands. */
  | { readonly error: MillraceError };

export interface LogEntry {
  readonly offset: Offset;
  /** The whole event as JSON text, as `encodeEvent` makes it. */
  readonly text: string;
}

export interface StoredSnapshot {
  readonly offset: Offset;
  /** Version of the contract whose `reduce` made it. */
  readonly version: number;
  /** The state as JSON text. */
  readonly text: string;
}

export interface LogPage {
  readonly epoch: string;
  /** Offset of the oldest entry that is kept; head + 1 when none is. */
  readonly first: Offset;
  /** Offset of the newest entry; 0 before the first. */
  readonly head: Offset;
  readonly isEnded: boolean;
  readonly snapshot: StoredSnapshot | null;
  /** The entries after the asked offset that are kept, in order, contiguous; empty at the head. */
  readonly entries: readonly LogEntry[];
}

export interface PageSize {
  readonly maxEvents: number;
  /** One entry is returned even if it alone is larger. 0 events reads the head alone. */
  readonly maxBytes: number;
}

export interface Retention {
  readonly size: number;
  readonly maxAgeMs: number;
  /** Stored in the same step, if it comes after the stored one. With `needsSnapshot` nothing after the stored one is trimmed. */
  readonly snapshot?: StoredSnapshot;
  /** That of the entries which the snapshot was folded from. Not the channel's (any more): the snapshot is not stored. */
  readonly epoch?: string;
  readonly needsSnapshot?: boolean;
}

/** What was appended, as far as the engine knows it: `entries` may be left out, then the reader reads. */
export interface AppendHint {
  readonly epoch: string;
  readonly head: Offset;
  readonly isEnded: boolean;
  readonly entries: readonly LogEntry[];
}

/** Who wants to know of a channel. */
export interface LogListener {
  hinted(hint: AppendHint): void;
  /** Look at the log: hints may have been lost. */
  refresh(): void;
}

/** Six members, one more than a seam should have: to forget is no request of a batch, since it moves the epoch under them. */
export interface Log {
  /**
   * Appends a batch over any number of channels; outcomes in the batch's order. With `tx` (engines with
   * `capabilities.transactions`) everything is part of the caller's transaction: nothing is readable or
   * hinted before it commits, nothing remains when it rolls back.
   */
  append(
    batch: readonly AppendRequest[],
    options?: { readonly tx?: unknown },
  ): Promise<readonly AppendOutcome[]>;
  /** The entries after `after`. A channel nobody appended to exists: head 0, with an epoch that the first append keeps. */
  read(channel: string, after: Offset, size: PageSize): Promise<LogPage>;
  /** Tells `listener` of what is appended to the channel from now on, by anyone. Returns the function that ends it. */
  watch(channel: string, listener: LogListener): () => void;
  /**
   * Trims what is over size or age, oldest first. Idempotent.
   * Rejects with `request/invalid` for a snapshot of more than the channel holds: then nothing changes.
   */
  compact(channel: string, retention: Retention): Promise<void>;
  /**
   * Erases the channel: entries, end, snapshot, keys, producers. Afterwards it is as if nobody had appended to it, in
   * another epoch; hinted with head 0. Only its name may be kept, and what tells the epochs apart. Does nothing to a
   * channel nobody appended to. With `tx` as `append`.
   */
  forget(channel: string, options?: { readonly tx?: unknown }): Promise<void>;
  /** Idempotent; pending appends are finished first. */
  close(): Promise<void>;
}

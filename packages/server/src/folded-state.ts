// The state of one channel whose contract has some: folded from a stored snapshot and the log, then event by event.
// Owns calling the user's `reduce` and `migrate`, which may throw: then the event leaves the state as it was, or the
// state starts from what is left, and `onError` hears. Takes events as a client does: checked, unknown types skipped.
// Rules: SUB-5, CHAN-5, CHAN-7, CHAN-8.

import {
  type ChannelEvent,
  type Cursor,
  checkSchema,
  type EventOf,
  type EventSchemas,
  MillraceError,
  type Offset,
} from '@millrace/protocol';
import { nextOffset, parseEvent, ZERO_OFFSET } from '@millrace/protocol/wire';
import type { AnyContract } from './contract-set.ts';
import { controlFrame } from './outbound-frame.ts';
import type { OutboundFrame } from './seams/link.ts';
import type { LogEntry, LogPage, StoredSnapshot } from './seams/log.ts';

export interface FoldedState {
  /** Starts from what the log stored, or from nothing. Returns the offset after which to fold on. */
  start(page: LogPage): Offset;
  fold(entry: LogEntry): void;
  /**
   * The `snapshot` verdict at `cursor`; null, and reported, when the reducer made what is no JSON. Made once for each
   * place: ten thousand who join there cost one encoding, and one report.
   */
  frame(cursor: Cursor): OutboundFrame | null;
  /** The state as the log stores it, at `offset`. */
  stored(offset: Offset): StoredSnapshot;
}

/** Null for a contract without state. */
export function createFoldedState(
  channel: string,
  contract: AnyContract,
  onError: (error: MillraceError) => void,
): FoldedState | null {
  const { state: definition, version, type } = contract;
  if (definition === undefined) return null;
  let state = definition.initial;
  let memo: { readonly cursor: Cursor; readonly frame: OutboundFrame | null } | null = null;

  function become(next: unknown): void {
    state = next;
    memo = null;
  }

  /** False: of a higher version, or of a lower one that cannot be brought to this. */
  function restore(snapshot: StoredSnapshot): boolean {
    const isOlder = snapshot.version < version;
    if (snapshot.version !== version && !(isOlder && definition?.migrate !== undefined)) {
      return false;
    }
    try {
      const stored: unknown = JSON.parse(snapshot.text);
      become(isOlder ? definition?.migrate?.(stored, snapshot.version) : stored);
      return true;
    } catch (cause) {
      report(`The stored state of ${channel} cannot be taken over by "${type}"`, cause);
      return false;
    }
  }

  function encode(cursor: Cursor): OutboundFrame | null {
    try {
      return controlFrame({
        type: 'verdict',
        channel,
        verdict: 'snapshot',
        cursor,
        version,
        state: state ?? null,
      });
    } catch (cause) {
      report(`The state of ${channel} is no JSON: let "${type}" reduce to plain values`, cause);
      return null;
    }
  }

  function report(what: string, cause: unknown): void {
    onError(new MillraceError('server/internal', `${what}.`, { cause }));
  }

  return {
    start(page) {
      const { snapshot, first, head } = page;
      // Where the whole log is there, this version's own fold of it is better than what another one made of it.
      const isFoldable = first === 1 && snapshot?.version !== version;
      const isJoined = snapshot !== null && nextOffset(snapshot.offset) >= first;
      if (isJoined && !isFoldable && restore(snapshot)) return snapshot.offset;
      become(definition.initial);
      if (first > 1 && head > 0) onError(incompleteState(channel, page, snapshot));
      return ZERO_OFFSET;
    },
    fold(entry) {
      try {
        const event = decode(contract, readEvent(entry));
        if (event !== null) become(definition.reduce(state, event));
      } catch (cause) {
        if (cause instanceof MillraceError) onError(cause);
        else {
          const where = `${channel} at ${entry.offset}`;
          report(`The reducer of "${type}" threw on ${where}; the state skips that event`, cause);
        }
      }
    },
    frame(cursor) {
      if (memo?.cursor.offset !== cursor.offset || memo.cursor.epoch !== cursor.epoch) {
        memo = { cursor, frame: encode(cursor) };
      }
      return memo.frame;
    },
    stored: (offset) => ({ offset, version, text: JSON.stringify(state) ?? 'null' }),
  };
}

/** An entry as the event that its contract's schemas let in when it was appended. The decoder of stored events. */
export function readEvent<Events extends EventSchemas>(entry: LogEntry): EventOf<Events> {
  return parseEvent(JSON.parse(entry.text));
}

/**
 * The event as clients fold it (CHAN-7): with its data as the schema gives it, null for a type that the contract does
 * not have. @throws MillraceError `contract/invalid-event` for what another version of the contract let in
 */
function decode(contract: AnyContract, event: ChannelEvent): ChannelEvent | null {
  const { type } = event;
  const schema = Object.hasOwn(contract.events, type) ? contract.events[type] : undefined;
  if (schema === undefined) return null;
  const checked = checkSchema(schema, event.data);
  if ('value' in checked) return { ...event, data: checked.value };
  const text = `A stored event is no "${type}" of "${contract.type}": ${checked.problems.join('; ')}. The state skips it.`;
  throw new MillraceError('contract/invalid-event', text);
}

function incompleteState(
  channel: string,
  page: LogPage,
  snapshot: StoredSnapshot | null,
): MillraceError {
  const reason =
    snapshot === null
      ? 'no snapshot is stored'
      : `the stored snapshot (version ${snapshot.version}, up to ${snapshot.offset}) is of no use`;
  return new MillraceError(
    'server/internal',
    `${channel} was trimmed up to ${page.first} and ${reason}: its state starts from what is left.`,
  );
}

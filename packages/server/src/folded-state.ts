// The state of one channel whose contract has some: folded from a stored snapshot and the log, then event by event.
// Owns calling the user's `reduce`, which may throw: then the event leaves the state as it was, and `onError` hears.
// Rules: SUB-5, CHAN-7.

import {
  type Cursor,
  type EventOf,
  type EventSchemas,
  MillraceError,
  type Offset,
} from '@millrace/protocol';
import { parseEvent, ZERO_OFFSET } from '@millrace/protocol/wire';
import type { AnyContract } from './contract-set.ts';
import { controlFrame } from './outbound-frame.ts';
import type { OutboundFrame } from './seams/link.ts';
import type { LogEntry, LogPage, StoredSnapshot } from './seams/log.ts';

export interface FoldedState {
  /** Starts from what the log stored, or from nothing. Returns the offset after which to fold on. */
  start(page: LogPage): Offset;
  fold(entry: LogEntry): void;
  /** The `snapshot` verdict at `cursor`; null, and reported, when the reducer made what is no JSON. */
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
  const { state: definition, version } = contract;
  if (definition === undefined) return null;
  let state = definition.initial;

  return {
    start(page) {
      const { snapshot } = page;
      if (snapshot !== null && snapshot.version === version) {
        state = JSON.parse(snapshot.text);
        return snapshot.offset;
      }
      state = definition.initial;
      if (page.first > 1 && page.head > 0) onError(incompleteState(channel, page, snapshot));
      return ZERO_OFFSET;
    },
    fold(entry) {
      try {
        state = definition.reduce(state, readEvent(entry));
      } catch (cause) {
        onError(
          new MillraceError(
            'server/internal',
            `The reducer of "${contract.type}" threw on ${channel} at ${entry.offset}; the state skips that event.`,
            { cause },
          ),
        );
      }
    },
    frame(cursor) {
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
        onError(
          new MillraceError(
            'server/internal',
            `The state of ${channel} is no JSON: let "${contract.type}" reduce to plain values.`,
            { cause },
          ),
        );
        return null;
      }
    },
    stored: (offset) => ({ offset, version, text: JSON.stringify(state) ?? 'null' }),
  };
}

/** An entry as the event that its contract's schemas let in when it was appended. The decoder of stored events. */
export function readEvent<Events extends EventSchemas>(entry: LogEntry): EventOf<Events> {
  return parseEvent(JSON.parse(entry.text));
}

function incompleteState(
  channel: string,
  page: LogPage,
  snapshot: StoredSnapshot | null,
): MillraceError {
  const reason =
    snapshot === null
      ? 'no snapshot is stored'
      : `the stored snapshot is of version ${snapshot.version}`;
  return new MillraceError(
    'server/internal',
    `${channel} was trimmed up to ${page.first} and ${reason}: its state starts from what is left.`,
  );
}

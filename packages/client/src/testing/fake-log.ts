// One channel of the hub in memory: its events, its state, and the verdict for a place to begin.

import type { ChannelEvent, Cursor, Offset, Start, Verdict } from '@millrace/protocol';
import { toOffset } from '@millrace/protocol/wire';

export interface FakeLog {
  append(event: {
    readonly type: string;
    readonly data: unknown;
    readonly id?: string | undefined;
  }): {
    readonly event: ChannelEvent;
    readonly cursor: Cursor;
  };
  /** The newest event; null before one. */
  last(): ChannelEvent | null;
  after(offset: Offset): readonly ChannelEvent[];
  verdict(start: Start): Verdict;
  setState(state: unknown, version: number): Verdict;
  /** The newest state; undefined before one was set. */
  state(): unknown;
  refuseWith(verdict: Verdict | null): void;
  end(): Cursor;
  endedAt(): Cursor | null;
}

export function createFakeLog(): FakeLog {
  const epoch = 'fake';
  const events: ChannelEvent[] = [];
  let snapshot: Extract<Verdict, { verdict: 'snapshot' }> | null = null;
  let refusal: Verdict | null = null;
  let isEnded = false;

  const at = (offset: number): Cursor => ({ epoch, offset: toOffset(offset) });
  const head = (): Cursor => at(events.length);

  function beginning(start: Start): Cursor {
    if (start === 'now') return head();
    if (start === 'start') return at(0);
    if ('last' in start) return at(Math.max(0, events.length - start.last));
    return start;
  }

  return {
    append({ type, data, id }) {
      const cursor = at(events.length + 1);
      const event = {
        offset: cursor.offset,
        type,
        data,
        at: new Date().toISOString(),
        ...(id === undefined ? {} : { id }),
      };
      events.push(event);
      return { event, cursor };
    },
    last: () => events.at(-1) ?? null,
    after: (offset) => events.slice(offset),
    verdict(start) {
      if (refusal !== null) return refusal;
      const isCursor = typeof start === 'object' && 'epoch' in start;
      if (isCursor && (start.epoch !== epoch || start.offset > events.length)) {
        return { verdict: 'gap', cursor: at(0), from: null, to: null, reason: 'restarted' };
      }
      return snapshot !== null && !isCursor
        ? snapshot
        : { verdict: 'exact', cursor: beginning(start) };
    },
    setState(state, version) {
      snapshot = { verdict: 'snapshot', cursor: head(), version, state };
      return snapshot;
    },
    state: () => snapshot?.state,
    refuseWith(verdict) {
      refusal = verdict;
    },
    end() {
      isEnded = true;
      return head();
    },
    endedAt: () => (isEnded ? head() : null),
  };
}

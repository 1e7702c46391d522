// Where one subscriber stands in its channel, as a pure machine: what a verdict, an event or the end means to it.
// The position is the subscriber's own, so that what arrives twice (a migration, another subscriber that began
// earlier) passes by, and what would leave a hole is never taken. Rules: CLI-8, SUB-2 … SUB-6, SUB-9, EVT-1.

import type { Cursor, Offset, Start, Verdict } from '@millrace/protocol';
import { nextOffset } from '@millrace/protocol/wire';

export type Place =
  /** Has no verdict yet. */
  | { readonly at: 'waiting'; readonly start: Start }
  | { readonly at: 'reading'; readonly cursor: Cursor }
  /** Denied or unknown; it asks again on the next link. */
  | { readonly at: 'refused'; readonly start: Start }
  | { readonly at: 'ended'; readonly cursor: Cursor };

export interface Judged {
  readonly place: Place;
  /** What the subscriber is told; null when nothing changed for it. */
  readonly tell: Verdict | null;
  /** Events between its place and the verdict's are not on their way: ask again from its own cursor. */
  readonly hasHole?: true;
}

type Placed = Extract<Verdict, { cursor: Cursor }>;

/** @param asked what the link asked for: a position below it in the same epoch is a log that went back */
export function judge(place: Place, verdict: Verdict, asked: Start): Judged {
  if (!('cursor' in verdict)) {
    if (place.at === 'refused' || place.at === 'ended') return { place, tell: null };
    return { place: { at: 'refused', start: startOf(place) }, tell: verdict };
  }
  if ('start' in place) return begin(place.start, verdict);
  const { cursor } = verdict;
  const own = place.cursor;
  const moved: Place = { at: 'reading', cursor };
  if (own.epoch !== cursor.epoch) {
    const restarted: Verdict = {
      verdict: 'gap',
      cursor,
      from: null,
      to: null,
      reason: 'restarted',
    };
    return { place: moved, tell: verdict.verdict === 'exact' ? restarted : verdict };
  }
  if (isRolledBack(verdict, asked)) return { place: moved, tell: verdict };
  if (own.offset >= cursor.offset) return { place, tell: null };
  switch (verdict.verdict) {
    case 'exact':
      return { place, tell: null, hasHole: true };
    case 'snapshot':
      return { place: moved, tell: verdict };
    case 'gap':
      // It may have read further than what was asked for: its own gap begins later.
      return { place: moved, tell: { ...verdict, from: nextOffset(own.offset) } };
  }
}

/** Takes the event at `offset` of `epoch`, passes it by, or finds that one before it is missing. */
export function take(place: Place, epoch: string | null, offset: Offset): Place | 'past' | 'hole' {
  if (place.at !== 'reading' || place.cursor.epoch !== epoch || offset <= place.cursor.offset) {
    return 'past';
  }
  if (offset !== nextOffset(place.cursor.offset)) return 'hole';
  return { at: 'reading', cursor: { epoch, offset } };
}

/** The channel ended at `cursor`. */
export function finish(place: Place, cursor: Cursor): Place | 'past' | 'hole' {
  if (place.at !== 'reading' || place.cursor.epoch !== cursor.epoch) return 'past';
  return place.cursor.offset < cursor.offset ? 'hole' : { at: 'ended', cursor };
}

/** Whether a verdict on `asked` also answers a subscriber that wants to begin at `start`. */
export function isAnswered(start: Start, asked: Start): boolean {
  return isCursor(start) && isCursor(asked)
    ? start.epoch === asked.epoch && start.offset >= asked.offset
    : JSON.stringify(start) === JSON.stringify(asked);
}

function begin(start: Start, verdict: Placed): Judged {
  const { cursor } = verdict;
  const isAhead = verdict.verdict === 'exact' && isPast(start, cursor);
  const from = isAhead ? start : cursor;
  return {
    place: { at: 'reading', cursor: from },
    tell: isAhead ? { ...verdict, cursor: start } : verdict,
  };
}

function isRolledBack(verdict: Placed, asked: Start): boolean {
  return verdict.verdict === 'gap'
    ? verdict.reason === 'rolled-back'
    : verdict.verdict === 'snapshot' && isPast(asked, verdict.cursor);
}

function isPast(start: Start, cursor: Cursor): start is Cursor {
  return isCursor(start) && start.epoch === cursor.epoch && start.offset > cursor.offset;
}

function startOf(place: Place): Start {
  return 'start' in place ? place.start : place.cursor;
}

export function isCursor(start: Start): start is Cursor {
  return typeof start === 'object' && 'epoch' in start;
}

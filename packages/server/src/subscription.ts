// A subscription's life as one union and one pure step: what a reader of a channel is told, and when it reads.
// Owns verdicts and positions. Refuses to own: sockets, the log, time; `reader.ts` runs the effects.
// Rules: SUB-1 … SUB-9, CUR-3, CUR-4, EVT-1.
//
//   authorizing ──allowed──▶ behind ──at the head──▶ live
//        │                    ▲  │ pages, verdicts     │
//        │                    └──┴──fell behind────────┤
//        └──refused──▶ ended ◀──end of the channel─────┘

import type { Cursor, MillraceError, Offset, Start, Verdict } from '@millrace/protocol';
import { nextOffset, previousOffset, toOffset, ZERO_OFFSET } from '@millrace/protocol/wire';

export type Subscription =
  | { readonly at: 'authorizing'; readonly start: Start }
  /** `isTold`: its verdict is given, so that only a break of continuity needs another. */
  | {
      readonly at: 'behind';
      readonly from: Start;
      readonly isTold: boolean;
      readonly isReading: boolean;
    }
  /** Gets what the topic sends; its position is the topic's head. */
  | { readonly at: 'live' }
  | { readonly at: 'ended' };

/** What the topic knows of its channel. */
export interface TopicView {
  readonly epoch: string;
  readonly first: Offset;
  readonly head: Offset;
  /** The newest offset that was told of, true or not; at the head or beyond it. */
  readonly heard: Offset;
  readonly isEnded: boolean;
  readonly hasState: boolean;
  /** Readers get states, never events. */
  readonly deliversState: boolean;
}

/** What was read: the entries after `begin` up to `last`, contiguous. */
export interface PageRange {
  readonly begin: Offset;
  readonly last: Offset;
  /** The log's head when it was read; may be ahead of the topic's, whose hint is then under way. */
  readonly logHead: Offset;
}

export type SubscriptionEvent =
  | { readonly type: 'allowed' }
  /** Not allowed, or what was allowed cannot be told. */
  | {
      readonly type: 'refused';
      readonly verdict: 'denied' | 'unknown';
      readonly error: MillraceError;
    }
  /** Time to look where the channel is; no view while the topic loads. */
  | { readonly type: 'look'; readonly view: TopicView | null; readonly hasRoom: boolean }
  | { readonly type: 'page'; readonly view: TopicView; readonly page: PageRange }
  /** The read gave nothing to go by: the topic started again, or the log is out of reach. */
  | { readonly type: 'unread' }
  | { readonly type: 'fell-behind'; readonly position: Cursor }
  | { readonly type: 'channel-ended'; readonly cursor: Cursor }
  | { readonly type: 'closed' };

export type SubscriptionEffect =
  | { readonly type: 'tell'; readonly verdict: Verdict }
  /** Tell the topic's state as a `snapshot` verdict. */
  | { readonly type: 'tell-state' }
  /** Join, and be sent the topic's state as a first verdict when its pace allows. */
  | { readonly type: 'await-state' }
  /** `doubted`: an epoch that may be newer than the topic's, so that memory is no answer; null for none. */
  | { readonly type: 'read'; readonly after: Offset; readonly doubted: string | null }
  | { readonly type: 'send-page' }
  | { readonly type: 'look' }
  /** Be told when the topic has news. */
  | { readonly type: 'wait' }
  | { readonly type: 'join' }
  | { readonly type: 'leave' }
  | { readonly type: 'tell-end'; readonly cursor: Cursor };

export interface SubscriptionStep {
  readonly state: Subscription;
  readonly effects: readonly SubscriptionEffect[];
}

const ENDED: Subscription = { at: 'ended' };
const LIVE: Subscription = { at: 'live' };

export function stepSubscription(state: Subscription, event: SubscriptionEvent): SubscriptionStep {
  switch (event.type) {
    case 'allowed':
      if (state.at !== 'authorizing') return stay(state);
      return {
        state: { at: 'behind', from: state.start, isTold: false, isReading: false },
        effects: [{ type: 'look' }],
      };
    case 'refused': {
      if (state.at === 'ended') return stay(state);
      const verdict: Verdict = { verdict: event.verdict, error: event.error };
      return { state: ENDED, effects: [{ type: 'leave' }, { type: 'tell', verdict }] };
    }
    case 'look':
      return look(state, event.view, event.hasRoom);
    case 'page':
      return takePage(state, event.view, event.page);
    case 'unread':
      if (state.at !== 'behind') return stay(state);
      return { state: { ...state, isReading: false }, effects: [{ type: 'wait' }] };
    case 'fell-behind':
      if (state.at !== 'live') return stay(state);
      return {
        state: { at: 'behind', from: event.position, isTold: true, isReading: false },
        effects: [{ type: 'leave' }, { type: 'look' }],
      };
    case 'channel-ended':
      if (state.at !== 'live') return stay(state);
      return {
        state: ENDED,
        effects: [{ type: 'leave' }, { type: 'tell-end', cursor: event.cursor }],
      };
    case 'closed':
      return state.at === 'ended' ? stay(state) : { state: ENDED, effects: [{ type: 'leave' }] };
  }
}

type Behind = Extract<Subscription, { at: 'behind' }>;

function look(state: Subscription, view: TopicView | null, hasRoom: boolean): SubscriptionStep {
  // Without room there is nothing to do: the link's `drained` looks again.
  if (state.at !== 'behind' || state.isReading || !hasRoom) return stay(state);
  if (view === null) return { state, effects: [{ type: 'wait' }] };
  const { from } = state;
  if (!isCursor(from)) {
    if (view.hasState) return tellState(view);
    const after = firstOffset(from, view);
    return after === view.head ? arrive(state, view) : read(state, after);
  }
  // Another epoch may be news that has not reached the topic: only the log can tell.
  if (from.epoch !== view.epoch) return read(state, ZERO_OFFSET, from.epoch);
  if (from.offset === view.head) return arrive(state, view);
  // Ahead of the topic, or of a log that went back: only the log can tell.
  if (from.offset > view.head) return read(state, from.offset);
  if (!view.deliversState) return read(state, from.offset);
  // Who resumes waits for its turn: a poll that comes back after each state would get as many as it can ask for.
  const isResuming = !state.isTold && from.offset > ZERO_OFFSET && !view.isEnded;
  return isResuming ? { state: LIVE, effects: [{ type: 'await-state' }] } : tellState(view);
}

function takePage(state: Subscription, view: TopicView, page: PageRange): SubscriptionStep {
  if (state.at !== 'behind') return stay(state);
  const { verdict, after } = judge(state.from, view, page);
  if (verdict === 'state') return tellState(view);
  const effects: SubscriptionEffect[] = [];
  if (verdict.verdict !== 'exact' || !state.isTold) effects.push({ type: 'tell', verdict });
  // Where states are delivered the log is ahead of the topic here: its state comes when that has followed.
  const isWanted = !view.deliversState && page.begin === after && page.last > after;
  if (isWanted) effects.push({ type: 'send-page' });
  const from: Cursor = { epoch: view.epoch, offset: isWanted ? page.last : after };
  // Ahead of the topic, whose news is under way: it wakes those who wait.
  effects.push({ type: from.offset > view.head ? 'wait' : 'look' });
  return { state: { at: 'behind', from, isTold: true, isReading: false }, effects };
}

/** The verdict on a start, by what the log holds, and the offset after which it goes on. */
function judge(
  from: Start,
  view: TopicView,
  page: PageRange,
): { readonly verdict: Verdict | 'state'; readonly after: Offset } {
  const exact = (after: Offset): { verdict: Verdict; after: Offset } => ({
    verdict: { verdict: 'exact', cursor: { epoch: view.epoch, offset: after } },
    after,
  });
  if (!isCursor(from)) return exact(page.begin);
  const verdict = judgeCursor(from, view, page.logHead);
  const isState =
    verdict.verdict === 'gap'
      ? view.hasState
      : view.deliversState && verdict.cursor.offset < view.head;
  return isState
    ? { verdict: 'state', after: view.head }
    : { verdict, after: verdict.cursor.offset };
}

/** What a cursor is worth in a log that holds `first` … `logHead` of `epoch`. */
export function judgeCursor(
  from: Cursor,
  { epoch, first }: Pick<TopicView, 'epoch' | 'first'>,
  logHead: Offset,
): Extract<Verdict, { verdict: 'exact' | 'gap' }> {
  const oldest = previousOffset(first);
  const isSame = from.epoch === epoch;
  if (isSame && from.offset >= oldest && from.offset <= logHead) {
    return { verdict: 'exact', cursor: from };
  }
  const isTrimmed = isSame && from.offset < oldest;
  return {
    verdict: 'gap',
    cursor: { epoch, offset: oldest },
    from: isTrimmed ? nextOffset(from.offset) : null,
    to: isTrimmed ? oldest : null,
    reason: isTrimmed ? 'trimmed' : isSame ? 'rolled-back' : 'restarted',
  };
}

function arrive(state: Behind, view: TopicView): SubscriptionStep {
  const cursor: Cursor = { epoch: view.epoch, offset: view.head };
  const tell: SubscriptionEffect[] = state.isTold
    ? []
    : [{ type: 'tell', verdict: { verdict: 'exact', cursor } }];
  return view.isEnded
    ? { state: ENDED, effects: [...tell, { type: 'leave' }, { type: 'tell-end', cursor }] }
    : { state: LIVE, effects: [...tell, { type: 'join' }] };
}

function tellState(view: TopicView): SubscriptionStep {
  const from: Cursor = { epoch: view.epoch, offset: view.head };
  return {
    state: { at: 'behind', from, isTold: true, isReading: false },
    effects: [{ type: 'tell-state' }, { type: 'look' }],
  };
}

function read(state: Behind, after: Offset, doubted: string | null = null): SubscriptionStep {
  return { state: { ...state, isReading: true }, effects: [{ type: 'read', after, doubted }] };
}

function firstOffset(from: Exclude<Start, Cursor>, view: TopicView): Offset {
  // Beyond the head: a publish that was answered already is not news to somebody who comes now.
  if (from === 'now') return view.heard;
  // Asked from zero, the log gives its oldest: what the topic knows of that may be out of date.
  if (from === 'start') return view.head === ZERO_OFFSET ? view.head : ZERO_OFFSET;
  return stepBack(view.heard, from.last);
}

function stepBack(head: Offset, count: number): Offset {
  return count >= head ? ZERO_OFFSET : toOffset(head - count);
}

function stay(state: Subscription): SubscriptionStep {
  return { state, effects: [] };
}

export function isCursor(start: Start): start is Cursor {
  return typeof start === 'object' && 'epoch' in start;
}

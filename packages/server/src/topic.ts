// One channel in memory while somebody reads it: its position, newest entries, state and readers.
// Loads itself from the log; delivers strictly by offset; an engine's hints only make it look.
// Refuses to own: what a single reader is told (subscription.ts). Rules: EVT-1, SUB-7, SUB-9, CUR-4.
//
//   loading ──log read──▶ ready ──epoch changed, log went back──▶ loading …

import {
  type Cursor,
  type Limits,
  type MillraceError,
  type Offset,
  toMillraceError,
  type Verdict,
} from '@millrace/protocol';
import { nextOffset, previousOffset, ZERO_OFFSET } from '@millrace/protocol/wire';
import { createAudience, type Sending, type TopicReader } from './audience.ts';
import type { AnyContract } from './contract-set.ts';
import { createFoldedState } from './folded-state.ts';
import type { Pressure } from './hub-types.ts';
import { controlFrame, eventsFrame } from './outbound-frame.ts';
import { splitEntries, type TopicPage } from './page.ts';
import { createPageSource } from './page-source.ts';
import { createRing } from './ring.ts';
import type { OutboundFrame } from './seams/link.ts';
import type { Log, LogEntry, LogPage, PageSize, StoredSnapshot } from './seams/log.ts';
import type { Timers } from './seams/timers.ts';
import { createStatePace } from './state-pace.ts';
import type { TopicView } from './subscription.ts';
import type { Tick } from './tick.ts';
import { follow, type TopicNews, type TopicPosition } from './topic-position.ts';

/** How long after a failed read the log is asked again, ms. */
const RETRY_MS = 1_000;
const HEAD_ONLY: PageSize = { maxEvents: 0, maxBytes: 0 };

export interface Topic {
  readonly name: string;
  /** Null while it loads: `wait` for news. */
  view(): TopicView | null;
  /** The entries after `after`. Never rejects: a failure is reported, and `wait` tells when to try again. */
  read(after: Offset): TopicRead | Promise<TopicRead>;
  /** The `snapshot` verdict at the head; null, and reported, when the reducer made what is no JSON. */
  stateFrame(): OutboundFrame | null;
  /** The verdict `exact`, made once for all who get it at one place; null for any other verdict. */
  exactFrame(verdict: Verdict): OutboundFrame | null;
  join(reader: TopicReader): void;
  /** Sends the state to those who have not got it yet, as soon as the pace allows. */
  sendPaced(): void;
  wait(reader: TopicReader): void;
  leave(reader: TopicReader): void;
  /** News of the engine's, true or not. */
  hinted(news: TopicNews): void;
  /** Looks at the log itself: for hints that never come, and after a compaction. */
  refresh(): void;
  /** Resolves when the load that is under way is over, however it went. */
  loaded(): Promise<void>;
  /** The state as the log stores it; null for a contract without state, or while loading. */
  storedState(): StoredSnapshot | null;
  close(): void;
}

/** A page, or why there is none: `restarted` is over when the view is back, `failed` when the topic wakes. */
export type TopicRead = TopicPage | 'failed' | 'restarted';

export interface TopicOptions {
  readonly name: string;
  readonly contract: AnyContract;
  readonly log: Log;
  readonly limits: Limits;
  readonly timers: Timers;
  readonly tick: Tick;
  readonly onError: (error: MillraceError) => void;
  /** How many events went to how many readers, once for each sending. */
  readonly onDelivered: (count: number) => void;
  readonly onPressure: (outcome: Pressure) => void;
  /** It is loaded, and the log keeps that many events. */
  readonly onLoaded: (name: string, kept: number) => void;
}

type TopicState =
  | { readonly at: 'loading' }
  /** `heard`: the newest offset that was told of; beyond the head while the log is being read up to it. */
  | (TopicPosition & { readonly at: 'ready'; readonly first: Offset; readonly heard: Offset })
  | { readonly at: 'closed' };

const LOADING: TopicState = { at: 'loading' };

export function createTopic(options: TopicOptions): Topic {
  const { name, contract, log, limits, timers, onError, onPressure } = options;
  const ringSize = { maxEvents: limits.maxPageEvents, maxBytes: limits.maxPageBytes };
  const ring = createRing(ringSize);
  const audience = createAudience();
  const pages = createPageSource({ channel: name, log, ring, limits, timers, onPressure });
  const folded = createFoldedState(name, contract, onError);
  const pace =
    contract.deliver === 'state'
      ? createStatePace(contract.everyMs, timers, sendState, () => onPressure('statesCoalesced'))
      : null;
  let state: TopicState = LOADING;
  /** Taken but not sent yet: what comes in one tick leaves in one frame. */
  let fresh: LogEntry[] = [];
  /** Reading the log to the head; `again` when news came meanwhile. */
  let catchUp: 'idle' | 'reading' | 'again' = 'idle';
  /** The newest verdict `exact`: those who come together get the same one. */
  let exact: (Cursor & { readonly frame: OutboundFrame }) | null = null;
  /** Readers whose read failed wait for one common second try. */
  let isWaking = false;

  let loading: Promise<void> = load();

  async function load(): Promise<void> {
    try {
      const page = await readToHead();
      if (state.at !== 'loading') return;
      const { epoch, first, head, isEnded } = page;
      state = { at: 'ready', epoch, first, head, isEnded, heard: head };
      options.onLoaded(name, head - first + 1);
      // Hints that came while it loaded were not looked at.
      if (wasAskedAgain()) refresh();
      audience.wake();
    } catch (thrown) {
      retry(thrown, load);
    }
  }

  /** The log's last page, with the state folded up to it. */
  async function readToHead(): Promise<LogPage> {
    let page = await log.read(name, ZERO_OFFSET, HEAD_ONLY);
    if (folded === null) return page;
    const { epoch, first } = page;
    let at = folded.start(page);
    while (at < page.head) {
      page = await log.read(name, at, ringSize);
      // Started again, or trimmed past this place while it was read: the fold is of another epoch, or has a hole.
      const isTrimmed = page.first > first && page.first > nextOffset(at);
      if (page.epoch !== epoch || isTrimmed) return readToHead();
      for (const entry of page.entries) folded.fold(entry);
      at = page.entries.at(-1)?.offset ?? page.head;
    }
    return page;
  }

  function retry(thrown: unknown, run: () => Promise<void> | void): void {
    if (state.at === 'closed') return;
    onError(toMillraceError(thrown));
    timers.after(RETRY_MS, () => {
      if (state.at !== 'closed') void run();
    });
  }

  /** However many reads fail together, one try for all of them. */
  function wakeLater(thrown: unknown): void {
    if (isWaking) return;
    isWaking = true;
    retry(thrown, () => {
      isWaking = false;
      audience.wake();
    });
  }

  /** @param heardBefore for a page of the log: what was heard of when it was asked for; null for a hint */
  function take(news: TopicNews, heardBefore: Offset | null): void {
    const isTruth = heardBefore !== null;
    if (state.at !== 'ready' || (!isTruth && isKnown(state, news))) return;
    const following = follow(state, news);
    if (following === 'other-epoch') {
      if (isTruth) restart();
      else refresh();
      return;
    }
    for (const entry of following.fresh) {
      ring.push(entry);
      folded?.fold(entry);
    }
    const wasEnded = state.isEnded;
    // The log knows better than a hint, unless that came after it was asked.
    const isBetter = state.heard === heardBefore || news.head > state.heard;
    const heard = isBetter ? news.head : state.heard;
    state = { at: 'ready', first: state.first, heard, ...following.position };
    if (following.fresh.length > 0) {
      if (fresh.length === 0) options.tick.moved(flush);
      fresh.push(...following.fresh);
    }
    if (state.isEnded && !wasEnded) {
      flush();
      pace?.finish();
      audience.end(cursorOf(state));
    }
    if (following.isBehind && !isTruth) refresh();
    audience.wake();
  }

  function flush(): void {
    if (state.at !== 'ready' || fresh.length === 0) return;
    const entries = fresh;
    const { epoch } = state;
    fresh = [];
    const { live } = audience;
    if (live.length === 0) return;
    if (pace !== null) {
      pace.moved();
      return;
    }
    options.onDelivered(entries.length * live.length);
    // Nearly always one frame. A burst must not become one of megabytes, which would pass every queue limit.
    const pages = splitEntries(entries, ringSize);
    audience.send(
      pages.map((page) => sending(eventsFrame(name, epoch, page), beforeEntries(epoch, page))),
    );
  }

  function sendState(): void {
    if (state.at !== 'ready' || audience.live.length === 0) return;
    const frame = stateFrame();
    const before = { epoch: state.epoch, offset: ZERO_OFFSET };
    // Without one each reader asks for it, and is told that there is none.
    if (frame === null) {
      audience.scatter(before);
      return;
    }
    options.onDelivered(audience.live.length);
    audience.send([sending(frame, before)]);
  }

  function stateFrame(): OutboundFrame | null {
    return state.at === 'ready' ? (folded?.frame(cursorOf(state)) ?? null) : null;
  }

  function refresh(): void {
    if (state.at !== 'ready') return;
    if (catchUp === 'idle') void readOn();
    else catchUp = 'again';
  }

  async function readOn(): Promise<void> {
    catchUp = 'reading';
    try {
      while (state.at === 'ready') {
        const askedAt = state;
        const page = await log.read(name, askedAt.head, ringSize);
        learn(page, askedAt);
        if (state.at !== 'ready') break;
        take(page, askedAt.heard);
        // One page, one frame: what a long jump brings must not become one of megabytes.
        flush();
        if (!wasAskedAgain() && page.head <= state.head) break;
        catchUp = 'reading';
      }
      catchUp = 'idle';
    } catch (thrown) {
      retry(thrown, readOn);
    }
  }

  function wasAskedAgain(): boolean {
    const wasAsked = catchUp === 'again';
    if (wasAsked) catchUp = 'idle';
    return wasAsked;
  }

  /** What a page says beside its entries. The log may have gone back, or been trimmed past here: start again. */
  function learn(page: LogPage, askedAt: TopicState): void {
    if (state.at !== 'ready' || askedAt.at !== 'ready') return;
    const isOther = page.epoch !== state.epoch;
    const isBack = page.epoch === askedAt.epoch && page.head < askedAt.head;
    const isCut = page.first > nextOffset(state.head);
    if (isOther || isBack || isCut) restart();
    else if (page.first > state.first) state = { ...state, first: page.first };
  }

  function restart(): void {
    if (state.at !== 'ready') return;
    flush();
    const at = cursorOf(state);
    state = LOADING;
    fresh = [];
    ring.clear();
    pages.clear();
    audience.scatter(at);
    loading = load();
  }

  function received(page: TopicPage, askedAt: TopicState): TopicRead {
    if (page.source !== null) {
      learn(page.source, askedAt);
      if (state.at === 'ready' && page.logHead > state.head) refresh();
    }
    return state.at === 'ready' && page.epoch === state.epoch ? page : 'restarted';
  }

  return {
    name,
    view() {
      // A reader that comes in between joins at a head that everyone has: what was taken goes out first.
      flush();
      if (state.at !== 'ready') return null;
      const { epoch, first, head, heard, isEnded } = state;
      return {
        epoch,
        first,
        head,
        heard,
        isEnded,
        hasState: folded !== null,
        deliversState: pace !== null,
      };
    },
    read(after) {
      flush();
      const askedAt = state;
      if (askedAt.at !== 'ready') return 'restarted';
      const page = pages.read(askedAt, after);
      if (!(page instanceof Promise)) return received(page, askedAt);
      return page.then(
        (one) => received(one, askedAt),
        (thrown: unknown) => {
          wakeLater(thrown);
          return 'failed';
        },
      );
    },
    stateFrame,
    exactFrame(verdict) {
      if (verdict.verdict !== 'exact') return null;
      const { epoch, offset } = verdict.cursor;
      if (exact?.epoch !== epoch || exact.offset !== offset) {
        exact = {
          epoch,
          offset,
          frame: controlFrame({ type: 'verdict', channel: name, ...verdict }),
        };
      }
      return exact.frame;
    },
    join: audience.join,
    sendPaced: () => pace?.moved(),
    wait: audience.wait,
    leave: audience.leave,
    hinted(news) {
      if (state.at === 'ready') take(news, null);
      else catchUp = 'again';
    },
    refresh,
    loaded: () => loading,
    storedState() {
      return state.at === 'ready' && folded !== null ? folded.stored(state.head) : null;
    },
    close() {
      state = { at: 'closed' };
      pace?.stop();
    },
  };
}

/** What was appended here is told twice: by the engine, and by who appended it. */
function isKnown(position: TopicPosition, { epoch, head, isEnded }: TopicNews): boolean {
  return epoch === position.epoch && head <= position.head && (!isEnded || position.isEnded);
}

function sending(frame: OutboundFrame, before: Cursor): Sending {
  return { frame, frames: [frame], before };
}

function beforeEntries(epoch: string, entries: readonly LogEntry[]): Cursor {
  return { epoch, offset: previousOffset(entries[0]?.offset ?? ZERO_OFFSET) };
}

function cursorOf({ epoch, head }: TopicPosition): Cursor {
  return { epoch, offset: head };
}

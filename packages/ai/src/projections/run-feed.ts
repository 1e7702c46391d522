// A run read once on this node, however many watch it: one reader of its channel, whose places (what the run is there,
// and the event that led there) are a linked list. Each viewer holds the place where it is, so a slow one keeps what it
// has not had and holds nobody up; and what a projection says at a place is made once, by its key. Refuses to own: how
// it is carried (serve-run.ts, serve-chat-socket.ts). Rules: RUN-11, VIEW-1.
//
//   place ─event─▶ place ─event─▶ place ◀─ the run is here; who comes now begins here, with all that was before
//     ▲ a slow viewer

import { type Cursor, type MillraceError, toMillraceError } from '@millrace/protocol';
import { aiRuns, EMPTY_RUN, foldRun, type RunEvent, type RunState } from '@millrace/protocol/runs';
import type { FollowedFrame, Hub } from '@millrace/server';
import {
  type Place,
  placeOf,
  type RunPlace,
  type Said,
  saidAt,
  type Told,
  wholeAt,
} from './run-places.ts';

/** So many events may a viewer be behind: the channel itself keeps no more. Past it the viewer is cut off. */
const MAX_LAG = 2_000;

export interface WatchOptions {
  readonly runId: string;
  readonly told: Told;
  readonly signal: AbortSignal;
  /** In place of all that was before, for who has had some of it. What stands at or before `after` is not told. */
  readonly resume?: {
    readonly after: Cursor | null;
    begin(place: RunPlace): Promise<string>;
  };
}

/**
 * `begun`: what was before, as blocks alone where the reader resumes · `said`: one event · `end`: the run is over.
 */
export type RunNews =
  | { readonly type: 'begun'; readonly blocks: string; readonly items: readonly string[] }
  | { readonly type: 'said'; readonly said: Said }
  | { readonly type: 'end'; readonly state: RunState };

/**
 * Tells the run from its beginning, then live. Ends behind `end`, or without it where its reader must come again (what
 * can't be said, one that is too far behind, a hub that closes) or left. Rejects with what the hub's `follow` does.
 */
export async function* watchRun(
  hub: Hub,
  { runId, told, signal, resume }: WatchOptions,
): AsyncGenerator<RunNews, void, undefined> {
  const feed = feedOf(hub, runId);
  const leave = feed.enter();
  const news = feed.listen(signal);
  try {
    while (feed.place === null) {
      if (feed.over !== null || signal.aborted) return settle(feed.over);
      await news.next();
    }
    let place = feed.place;
    if (resume === undefined) yield { type: 'begun', ...wholeAt(place, told) };
    else yield { type: 'begun', blocks: await resume.begin(place), items: [] };
    for (;;) {
      while (place.next !== null) {
        if (signal.aborted || feed.place.number - place.number > MAX_LAG) return;
        place = place.next;
        if (isHad(place.cursor, resume?.after)) continue;
        const said = saidAt(place, told);
        if (said === 'again') return;
        if (said.items.length > 0) yield { type: 'said', said };
      }
      if (signal.aborted) return;
      if (feed.over !== null) {
        if (feed.over === 'ended') yield { type: 'end', state: place.state };
        return settle(feed.over);
      }
      await news.next();
    }
  } finally {
    news.close();
    leave();
  }
}

/** What others fail of, its reader hears of by its end alone: it comes again. */
function settle(over: Over | null): void {
  if (over === null || typeof over === 'string') return;
  if (over.code !== 'link/slow' && over.code !== 'server/shutdown') throw over;
}

function isHad(at: Cursor, after: Cursor | null | undefined): boolean {
  return after !== null && after?.epoch === at.epoch && at.offset <= after.offset;
}

/** `cut`: something is missing from here on. */
type Over = 'ended' | 'cut' | MillraceError;

interface Feed {
  /** Null before the channel's first word. */
  readonly place: Place | null;
  readonly over: Over | null;
  /** Returns how to leave. */
  enter(): () => void;
  /** `next` resolves with the next change, or the signal's. */
  listen(signal: AbortSignal): { next(): Promise<void>; close(): void };
}

const feeds = new WeakMap<Hub, Map<string, Feed>>();

function feedOf(hub: Hub, runId: string): Feed {
  const mine = feeds.get(hub) ?? new Map<string, Feed>();
  feeds.set(hub, mine);
  const known = mine.get(runId);
  if (known !== undefined) return known;
  const feed = openFeed(hub, runId, () => {
    if (mine.get(runId) === feed) mine.delete(runId);
  });
  mine.set(runId, feed);
  return feed;
}

/** @param onOver it tells nothing new any more: who comes next makes another one */
function openFeed(hub: Hub, runId: string, onOver: () => void): Feed {
  const left = new AbortController();
  const listening = new Set<() => void>();
  let place: Place | null = null;
  let over: Over | null = null;
  let viewers = 0;
  void read();

  async function read(): Promise<void> {
    let why: Over = 'cut';
    // Not within the call: a hub that is closed refuses at once, and by then nobody has the feed yet.
    await Promise.resolve();
    try {
      const options = { start: 'start', signal: left.signal } as const;
      for await (const told of hub.follow(aiRuns.of({ runId }), options)) {
        if (told.type === 'end') why = 'ended';
        else if (!take(told)) break;
        wake();
      }
    } catch (thrown) {
      why = toMillraceError(thrown);
    }
    over = why;
    onOver();
    wake();
  }

  /** False where something is missing: a gap, or a verdict once more. */
  function take(told: Exclude<FollowedFrame<RunEvent>, { readonly type: 'end' }>): boolean {
    if (told.type === 'event') {
      const { event, cursor } = told;
      const before: RunState = place?.state ?? EMPTY_RUN;
      const next = placeOf(cursor, foldRun(before, event), before, event, place);
      if (place !== null) place.next = next;
      place = next;
      return true;
    }
    const { verdict } = told;
    if (verdict.verdict === 'gap' || place !== null) return false;
    // The contract's own state.
    const state = verdict.verdict === 'snapshot' ? (verdict.state as RunState) : EMPTY_RUN;
    place = placeOf(verdict.cursor, state, state, null, null);
    return true;
  }

  function wake(): void {
    for (const heard of listening) heard();
  }

  return {
    get place() {
      return place;
    },
    get over() {
      return over;
    },
    enter() {
      viewers += 1;
      return () => {
        viewers -= 1;
        if (viewers > 0) return;
        onOver();
        left.abort();
      };
    },
    listen(signal) {
      let hasNews = false;
      let resolve: (() => void) | null = null;
      function heard(): void {
        hasNews = true;
        resolve?.();
      }
      listening.add(heard);
      signal.addEventListener('abort', heard);
      return {
        async next() {
          if (!hasNews) {
            await new Promise<void>((done) => {
              resolve = done;
            });
          }
          hasNews = false;
        },
        close() {
          listening.delete(heard);
          signal.removeEventListener('abort', heard);
        },
      };
    },
  };
}

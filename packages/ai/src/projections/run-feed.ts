// A run read once on this node, however many watch it: one reader of its channel, whose places (what the run is there,
// and the event that led there) are a linked list. Each viewer holds the place where it is, so a slow one keeps what it
// has not had and holds nobody up; and what a projection says at a place is made once, by its key. Refuses to own: how
// it is carried (serve-run.ts, serve-chat-socket.ts). Rules: RUN-11, VIEW-1.
//
//   place ─event─▶ place ─event─▶ place ◀─ the run is here; who comes now begins here, with all that was before
//     ▲ a slow viewer
//
// Viewers are called, not awaited: with two of them the promises of asynchronous loops were a third of the memory that a
// token took here.

import { type Cursor, type MillraceError, toMillraceError } from '@millrace/protocol';
import { aiRuns, EMPTY_RUN, foldRun, type RunEvent, type RunState } from '@millrace/protocol/runs';
import type { FollowedFrame, Hub } from '@millrace/server';
import { Place, type RunPlace, type Said, saidAsBlocks, type Told } from './run-places.ts';

/** So many events may a viewer be behind: the channel itself keeps no more. Past it the viewer is cut off. */
const MAX_LAG = 2_000;

/**
 * How long a run may have no event at all, ms: its first one is committed with its row, and comes within moments. Past it
 * whoever watches is cut off, and asks the route, which knows whether there is such a run.
 */
const EMPTY_FOR_MS = 15_000;

export interface WatchOptions {
  readonly runId: string;
  readonly told: Told;
  /** In place of all that was before, for who has had some of it. What stands at or before `after` is not told. */
  readonly resume?: {
    readonly after: Cursor | null;
    begin(place: RunPlace): Promise<string>;
  };
}

/**
 * `begun`: what was before, as blocks alone where the reader resumes · `said`: one event · and last of all, `end`: the run
 * is over · `cut`: its reader must come again (what can't be said, one that is too far behind, a hub that closes) ·
 * `failed`: the run can't be read, as the hub's `follow` says.
 */
export type RunNews =
  | { readonly type: 'begun'; readonly said: Said }
  | { readonly type: 'said'; readonly said: Said }
  | { readonly type: 'end'; readonly state: RunState }
  | { readonly type: 'cut' }
  | { readonly type: 'failed'; readonly error: MillraceError };

export interface Watching {
  /** It has room again. Not to be called while it is told something. */
  goOn(): void;
  /** It is told nothing more. Idempotent. */
  leave(): void;
}

/**
 * Tells the run from its beginning, then live, to its end. Never within the call.
 * @param tell returns whether it has room for more: where not, `goOn` has to be called. Must not throw.
 */
export function watchRun(
  hub: Hub,
  options: WatchOptions,
  tell: (news: RunNews) => boolean,
): Watching {
  const viewer = new Viewer(feedOf(hub, options.runId), options, tell);
  queueMicrotask(() => viewer.goOn());
  return viewer;
}

/** `cut`: something is missing from here on. */
type Over = 'ended' | 'cut' | MillraceError;

interface Feed {
  /** Where the run is by now; null before the channel's first word. */
  readonly place: Place | null;
  /** Why nothing more will be told; null while there may be. */
  readonly over: Over | null;
  readonly viewers: Set<Viewer>;
  /** Nobody watches it any more. */
  leave(): void;
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
  const viewers = new Set<Viewer>();
  let place: Place | null = null;
  let over: Over | null = null;
  let emptyTimer: NodeJS.Timeout | undefined;
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
        else tellAll();
      }
    } catch (thrown) {
      why = toMillraceError(thrown);
    }
    over = why;
    clearTimeout(emptyTimer);
    onOver();
    tellAll();
  }

  /** False where something is missing: a gap, or a verdict once more. */
  function take(told: Exclude<FollowedFrame<RunEvent>, { readonly type: 'end' }>): boolean {
    if (told.type === 'event') {
      const { event, cursor } = told;
      const before: RunState = place?.state ?? EMPTY_RUN;
      const next = new Place(cursor, foldRun(before, event), { before, event, previous: place });
      if (place !== null) place.next = next;
      place = next;
      clearTimeout(emptyTimer);
      return true;
    }
    const { verdict } = told;
    if (verdict.verdict === 'gap' || place !== null) return false;
    // The contract's own state.
    const state = verdict.verdict === 'snapshot' ? (verdict.state as RunState) : EMPTY_RUN;
    place = new Place(verdict.cursor, state, null);
    if (state.status === null) emptyTimer = setTimeout(() => left.abort(), EMPTY_FOR_MS);
    return true;
  }

  function tellAll(): void {
    for (const viewer of viewers) viewer.look();
  }

  return {
    get place() {
      return place;
    },
    get over() {
      return over;
    },
    viewers,
    leave() {
      onOver();
      left.abort();
    },
  };
}

/** Where one viewer is: behind its feed only while it has no room. */
class Viewer implements Watching {
  readonly #feed: Feed;
  readonly #options: WatchOptions;
  readonly #tell: (news: RunNews) => boolean;
  #place: Place | null = null;
  #hasRoom = false;
  /** What it has missed is being read: it comes before all else. */
  #isResuming = false;
  #isLeft = false;

  constructor(feed: Feed, options: WatchOptions, tell: (news: RunNews) => boolean) {
    this.#feed = feed;
    this.#options = options;
    this.#tell = tell;
    feed.viewers.add(this);
  }

  leave(): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    this.#place = null;
    const { viewers } = this.#feed;
    viewers.delete(this);
    if (viewers.size === 0) this.#feed.leave();
  }

  goOn(): void {
    this.#hasRoom = true;
    this.look();
  }

  /** There may be something new. */
  look(): void {
    try {
      this.#read();
    } catch (thrown) {
      // A projection that throws harms those whom it is for.
      this.#finish({ type: 'failed', error: toMillraceError(thrown) });
    }
  }

  #read(): void {
    const { place: latest, over } = this.#feed;
    if (latest !== null) {
      if (this.#place === null && this.#mayTell()) this.#begin(latest);
      this.#readTo(latest);
    }
    if (over !== null && this.#mayTell()) this.#finish(this.#lastNews(over));
  }

  #mayTell(): boolean {
    return this.#hasRoom && !this.#isResuming && !this.#isLeft;
  }

  #readTo(latest: Place): void {
    const { told, resume } = this.#options;
    for (let at = this.#place?.next ?? null; at !== null; at = at.next) {
      if (latest.number - at.number >= MAX_LAG) return this.#finish(CUT);
      if (!this.#mayTell()) return;
      this.#place = at;
      if (isHad(at.cursor, resume?.after)) continue;
      const said = at.said(told);
      if (said === 'again') return this.#finish(CUT);
      if (said.items.length > 0) this.#hasRoom = this.#tell({ type: 'said', said });
    }
  }

  #begin(place: Place): void {
    const { told, resume } = this.#options;
    this.#place = place;
    if (resume === undefined) {
      this.#hasRoom = this.#tell({ type: 'begun', said: place.whole(told) });
      return;
    }
    this.#isResuming = true;
    resume.begin(place).then(
      (blocks) => {
        if (this.#isLeft) return;
        this.#isResuming = false;
        this.#hasRoom = this.#tell({ type: 'begun', said: saidAsBlocks(blocks) });
        this.look();
      },
      (thrown: unknown) => this.#finish({ type: 'failed', error: toMillraceError(thrown) }),
    );
  }

  #lastNews(over: Over): RunNews {
    if (over === 'ended') return { type: 'end', state: this.#place?.state ?? EMPTY_RUN };
    // What others fail of, its reader hears of by its end alone: it comes again.
    if (over === 'cut' || over.code === 'link/slow' || over.code === 'server/shutdown') return CUT;
    return { type: 'failed', error: over };
  }

  #finish(news: RunNews): void {
    if (this.#isLeft) return;
    this.leave();
    this.#tell(news);
  }
}

const CUT: RunNews = { type: 'cut' };

function isHad(at: Cursor, after: Cursor | null | undefined): boolean {
  return after !== null && after?.epoch === at.epoch && at.offset <= after.offset;
}

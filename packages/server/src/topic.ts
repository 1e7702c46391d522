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
import { type AloneFrame, Audience, type TopicReader } from './audience.ts';
import type { AnyContract } from './contract-set.ts';
import { createFoldedState, type FoldedState } from './folded-state.ts';
import type { Pressure } from './hub-types.ts';
import { controlFrame, eventsFrame } from './outbound-frame.ts';
import { splitEntries, type TopicPage } from './page.ts';
import { createPageSource, type PageSource } from './page-source.ts';
import { createRing, type Ring } from './ring.ts';
import type { OutboundFrame } from './seams/link.ts';
import type { Log, LogEntry, LogPage, PageSize, StoredSnapshot } from './seams/log.ts';
import type { Timers } from './seams/timers.ts';
import { createStatePace, type StatePace } from './state-pace.ts';
import type { TopicView } from './subscription.ts';
import type { Gathering, Tick } from './tick.ts';
import { cursorOf, follow, isKnown, type Place, type TopicNews } from './topic-position.ts';

/** How long after a failed read the log is asked again, ms. */
const RETRY_MS = 1_000;
const NO_ENTRIES: readonly LogEntry[] = [];
const HEAD_ONLY: PageSize = { maxEvents: 0, maxBytes: 0 };

/** A page, or why there is none: `restarted` is over when the view is back, `failed` when the topic wakes. */
export type TopicRead = TopicPage | 'failed' | 'restarted';

export interface TopicOptions {
  readonly name: string;
  readonly contract: AnyContract;
  readonly log: Log;
  /** The log answers from this process: no second copy of the newest entries is kept. */
  readonly isLocal: boolean;
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

/** A class: one for each channel, and gone through for each event. */
export class Topic implements Gathering {
  readonly name: string;
  readonly #options: TopicOptions;
  readonly #pageSize: PageSize;
  /** Null where the log is as near. */
  readonly #ring: Ring | null;
  readonly #audience = new Audience();
  readonly #folded: FoldedState | null;
  readonly #pace: StatePace | null;
  #pages: PageSource | null = null;
  /** Null while it loads, and once it is closed. */
  #place: Place | null = null;
  #isClosed = false;
  /** Taken but not sent yet: what comes in one tick leaves in one frame. */
  #fresh: readonly LogEntry[] = NO_ENTRIES;
  /** What `#fresh` is once a second hint added to it. */
  #several: LogEntry[] = [];
  /** Reading the log to the head; `again` when news came meanwhile. */
  #catchUp: 'idle' | 'reading' | 'again' = 'idle';
  /** The newest verdict `exact`: those who come together get the same one. */
  #exact: (Cursor & { readonly frame: OutboundFrame }) | null = null;
  /** Readers whose read failed wait for one common second try. */
  #isWaking = false;
  #loading: Promise<void>;
  readonly #unwatch: () => void;

  constructor(options: TopicOptions) {
    const { name, contract, limits, timers, isLocal, onError, onPressure } = options;
    this.name = name;
    this.#options = options;
    this.#pageSize = { maxEvents: limits.maxPageEvents, maxBytes: limits.maxPageBytes };
    this.#ring = isLocal ? null : createRing(this.#pageSize);
    this.#folded = createFoldedState(name, contract, onError);
    this.#pace =
      contract.deliver === 'state'
        ? createStatePace(
            contract.everyMs,
            timers,
            () => this.#sendState(),
            () => onPressure('statesCoalesced'),
          )
        : null;
    // Before it reads: what is appended from here on is told of.
    this.#unwatch = options.log.watch(name, this);
    this.#loading = this.#load();
  }

  /** Null while it loads: `wait` for news. */
  view(): TopicView | null {
    // A reader that comes in between joins at a head that everyone has: what was taken goes out first.
    this.flush();
    const place = this.#place;
    if (place === null) return null;
    return { ...place, hasState: this.#folded !== null, deliversState: this.#pace !== null };
  }

  /**
   * The entries after `after`; with `doubted` an epoch that somebody was told, which may be newer than what is known here.
   * Never rejects: a failure is reported, and `wait` tells when to try again.
   */
  read(after: Offset, doubted: string | null = null): TopicRead | Promise<TopicRead> {
    this.flush();
    if (this.#place === null) return 'restarted';
    const askedAt: Place = { ...this.#place };
    this.#pages ??= createPageSource({ ...this.#options, channel: this.name, ring: this.#ring });
    const remembered = this.#pages.remembered(askedAt, after, doubted);
    if (remembered !== null) return this.#received(remembered, askedAt);
    // Not even asked: an engine that refuses at once would be asked again in the same turn, for ever.
    if (this.#isWaking) return 'failed';
    return this.#pages.read(askedAt, after, doubted).then(
      (one) => this.#received(one, askedAt),
      (thrown: unknown) => {
        this.#wakeLater(thrown);
        return 'failed';
      },
    );
  }

  /** The `snapshot` verdict at the head; null, and reported, when the reducer made what is no JSON. */
  stateFrame(): OutboundFrame | null {
    return this.#place === null ? null : (this.#folded?.frame(cursorOf(this.#place)) ?? null);
  }

  /** The verdict `exact`, made once for all who get it at one place; null for any other verdict. */
  exactFrame(verdict: Verdict): OutboundFrame | null {
    if (verdict.verdict !== 'exact') return null;
    const { epoch, offset } = verdict.cursor;
    if (this.#exact?.epoch !== epoch || this.#exact.offset !== offset) {
      const frame = controlFrame({ type: 'verdict', channel: this.name, ...verdict });
      this.#exact = { epoch, offset, frame };
    }
    return this.#exact.frame;
  }

  join(reader: TopicReader): void {
    this.#audience.join(reader);
  }

  /** Sends the state to those who have not got it yet, as soon as the pace allows. */
  sendPaced(): void {
    this.#pace?.moved();
  }

  wait(reader: TopicReader): void {
    this.#audience.wait(reader);
  }

  leave(reader: TopicReader): void {
    this.#audience.leave(reader);
  }

  /** News of the engine's, true or not. */
  hinted(news: TopicNews): void {
    if (this.#place === null) this.refresh();
    else if (!isKnown(this.#place, news)) this.#take(this.#place, news, null);
  }

  /** Looks at the log itself: for hints that never come, and after a compaction. */
  refresh(): void {
    // Loading reads too, but may have read before what this is about.
    if (this.#place === null || this.#catchUp !== 'idle') this.#catchUp = 'again';
    else void this.#readOn();
  }

  /** Resolves when the load that is under way is over, however it went. */
  loaded(): Promise<void> {
    return this.#loading;
  }

  /** The state as the log stores it; null for a contract without state, or while loading. */
  storedState(): StoredSnapshot | null {
    return this.#place === null ? null : (this.#folded?.stored(this.#place.head) ?? null);
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
    this.#place = null;
    this.#pace?.stop();
  }

  /** What was taken goes out to those at the head. */
  flush(): void {
    const entries = this.#fresh;
    if (entries.length === 0 || this.#place === null) return;
    this.#fresh = NO_ENTRIES;
    if (entries === this.#several) this.#several = [];
    const { epoch } = this.#place;
    const { live } = this.#audience;
    if (live.length === 0) return;
    if (this.#pace !== null) {
      this.#pace.moved();
      return;
    }
    this.#options.onDelivered(entries.length * live.length);
    // Nearly always one frame. A burst must not become one of megabytes, which would pass every queue limit.
    const pages = splitEntries(entries, this.#pageSize);
    const frames = pages.map((page): AloneFrame => [eventsFrame(this.name, epoch, page)]);
    this.#audience.send(frames, beforeEvents);
  }

  async #load(): Promise<void> {
    try {
      const page = await this.#readToHead();
      if (this.#place !== null || this.#isClosed) return;
      const { epoch, first, head, isEnded } = page;
      this.#place = { epoch, first, head, isEnded, heard: head };
      this.#options.onLoaded(this.name, head - first + 1);
      // Hints that came while it loaded were not looked at.
      if (this.#wasAskedAgain()) this.refresh();
      this.#audience.wake();
    } catch (thrown) {
      this.#retry(thrown, () => this.#load());
    }
  }

  /** The log's last page, with the state folded up to it. */
  async #readToHead(): Promise<LogPage> {
    const { log } = this.#options;
    let page = await log.read(this.name, ZERO_OFFSET, HEAD_ONLY);
    const folded = this.#folded;
    if (folded === null) return page;
    const { epoch, first } = page;
    let at = folded.start(page);
    while (at < page.head) {
      page = await log.read(this.name, at, this.#pageSize);
      // Started again, or trimmed past this place while it was read: the fold is of another epoch, or has a hole.
      const isTrimmed = page.first > first && page.first > nextOffset(at);
      if (page.epoch !== epoch || isTrimmed) return this.#readToHead();
      for (const entry of page.entries) folded.fold(entry);
      at = page.entries.at(-1)?.offset ?? page.head;
    }
    return page;
  }

  #retry(thrown: unknown, run: () => Promise<void> | void): void {
    if (this.#isClosed) return;
    const { timers, onError } = this.#options;
    onError(toMillraceError(thrown));
    timers.after(RETRY_MS, () => {
      if (!this.#isClosed) void run();
    });
  }

  /** However many reads fail together, one try for all of them. */
  #wakeLater(thrown: unknown): void {
    if (this.#isWaking) return;
    this.#isWaking = true;
    this.#retry(thrown, () => {
      this.#isWaking = false;
      this.#audience.wake();
    });
  }

  /** @param heardBefore for a page of the log: what was heard of when it was asked for; null for a hint */
  #take(place: Place, news: TopicNews, heardBefore: Offset | null): void {
    const isTruth = heardBefore !== null;
    const following = follow(place, news);
    if (following === 'other-epoch') {
      if (isTruth) this.#restart();
      else this.refresh();
      return;
    }
    const { fresh, isBehind } = following;
    for (const entry of fresh) {
      this.#ring?.push(entry);
      this.#folded?.fold(entry);
    }
    const hasEnded = following.isEnded && !place.isEnded;
    // The log knows better than a hint, unless that came after it was asked.
    if (place.heard === heardBefore || news.head > place.heard) place.heard = news.head;
    place.head = following.head;
    place.isEnded = following.isEnded;
    if (fresh.length > 0) this.#gather(fresh);
    if (hasEnded) {
      this.flush();
      this.#pace?.finish();
      this.#audience.end(cursorOf(place));
    }
    if (isBehind && !isTruth) this.refresh();
    this.#audience.wake();
  }

  #gather(fresh: readonly LogEntry[]): void {
    if (this.#fresh.length === 0) {
      // Nearly always the only ones of the tick: the hint's own list is sent.
      this.#fresh = fresh;
      this.#options.tick.moved(this);
      return;
    }
    if (this.#fresh !== this.#several) {
      this.#several = [...this.#fresh];
      this.#fresh = this.#several;
    }
    for (const entry of fresh) this.#several.push(entry);
  }

  #sendState(): void {
    const place = this.#place;
    const { live } = this.#audience;
    if (place === null || live.length === 0) return;
    const frame = this.stateFrame();
    const before: Cursor = { epoch: place.epoch, offset: ZERO_OFFSET };
    // Without one each reader asks for it, and is told that there is none.
    if (frame === null) {
      this.#audience.scatter(before);
      return;
    }
    this.#options.onDelivered(live.length);
    this.#audience.send([[frame]], () => before);
  }

  async #readOn(): Promise<void> {
    this.#catchUp = 'reading';
    try {
      while (this.#place !== null) {
        const askedAt: Place = { ...this.#place };
        const page = await this.#options.log.read(this.name, askedAt.head, this.#pageSize);
        this.#learn(page, askedAt);
        const place = this.#place;
        if (place === null) break;
        this.#take(place, page, askedAt.heard);
        // One page, one frame: what a long jump brings must not become one of megabytes.
        this.flush();
        if (!this.#wasAskedAgain() && page.head <= place.head) break;
        this.#catchUp = 'reading';
      }
      this.#catchUp = 'idle';
    } catch (thrown) {
      this.#retry(thrown, () => this.#readOn());
    }
  }

  #wasAskedAgain(): boolean {
    const wasAsked = this.#catchUp === 'again';
    if (wasAsked) this.#catchUp = 'idle';
    return wasAsked;
  }

  /** What a page says beside its entries. The log may have gone back, or been trimmed past here: start again. */
  #learn(page: LogPage, askedAt: Place): void {
    const place = this.#place;
    if (place === null) return;
    const isOther = page.epoch !== place.epoch;
    const isBack = page.epoch === askedAt.epoch && page.head < askedAt.head;
    const isCut = page.first > nextOffset(place.head);
    if (isOther || isBack || isCut) this.#restart();
    else if (page.first > place.first) place.first = page.first;
  }

  #restart(): void {
    if (this.#place === null) return;
    this.flush();
    const at = cursorOf(this.#place);
    this.#place = null;
    this.#fresh = NO_ENTRIES;
    this.#ring?.clear();
    this.#pages?.clear();
    this.#audience.scatter(at);
    this.#loading = this.#load();
  }

  #received(page: TopicPage, askedAt: Place): TopicRead {
    if (page.source !== null) {
      this.#learn(page.source, askedAt);
      if (this.#place !== null && page.logHead > this.#place.head) this.refresh();
    }
    return this.#place !== null && page.epoch === this.#place.epoch ? page : 'restarted';
  }
}

/** Where a reader stands that had no room for them. */
function beforeEvents({ batch }: OutboundFrame): Cursor {
  const first = batch?.entries[0]?.offset ?? ZERO_OFFSET;
  return { epoch: batch?.epoch ?? '', offset: previousOffset(first) };
}

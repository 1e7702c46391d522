// Those on this node who watch one channel's presence, and what each has been told. A change is encoded once for all of
// them; one whose link has no room is left behind, and later gets what it lacks, or everybody anew: never a backlog, so
// it costs a place in a list. Refuses to own: who is present. Rules: PRES-2, PRES-8.

import { liveFrame } from '../outbound-frame.ts';
import type { OutboundFrame } from '../seams/link.ts';
import type { MembersChange } from './members.ts';

/** A link, as far as it watches. */
export interface Watcher {
  hasRoom(): boolean;
  tell(frame: OutboundFrame): void;
}

/** One watcher of one channel. */
export interface Seat {
  readonly watcher: Watcher;
  /** The hash of what it has been told, here or elsewhere; null: of nothing. */
  has: string | null;
  /** It has been told everything, and hears of each change as it comes. */
  isLive: boolean;
  /** Called once it has been told what there is to tell, or has no room for it; null afterwards. */
  settle: (() => void) | null;
  /** What it is being told, of which it has had the frames before `page`. */
  reading: { readonly told: Told; page: number } | null;
}

/** What makes a watcher know how it stood at `hash`: everybody, or a change. */
interface Told {
  readonly hash: string;
  readonly frames: readonly OutboundFrame[];
}

interface Step extends Told {
  readonly from: string;
  readonly bytes: number;
}

export interface RoomFeedOptions {
  readonly channel: string;
  readonly leaveAfterMs: number;
  /** Characters of the members of one frame; one member alone may be more. */
  readonly maxFrameBytes: number;
  /** As JSON texts. */
  readonly members: { texts(): Iterable<string>; readonly hash: string };
}

/** Changes that are kept for those who are behind: what is more is told by everybody anew. */
const MAX_STEPS = 64;
const MAX_STEP_BYTES = 262_144;

/** A class: one for each channel that is watched. */
export class RoomFeed {
  readonly #options: RoomFeedOptions;
  readonly #seats = new Set<Seat>();
  #steps: Step[] = [];
  #stepBytes = 0;
  #book: Told | null = null;
  #isReady = false;

  constructor(options: RoomFeedOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#seats.size;
  }

  /** @param have the hash of what the watcher knows already; @param settle see `Seat` */
  add(watcher: Watcher, have: string | null, settle: () => void): Seat {
    const seat: Seat = { watcher, has: have, isLive: false, settle, reading: null };
    this.#seats.add(seat);
    if (this.#isReady) this.look(seat);
    return seat;
  }

  remove(seat: Seat): void {
    this.#seats.delete(seat);
  }

  /** From now on watchers may be told. */
  ready(): void {
    this.#isReady = true;
    for (const seat of this.#seats) this.look(seat);
  }

  changed({ from, hash, present, gone }: MembersChange): void {
    const { channel, maxFrameBytes } = this.#options;
    const frames = changeTexts(channel, from, hash, present, gone, maxFrameBytes).map(
      presenceFrame,
    );
    this.#keep({
      from,
      hash,
      frames,
      bytes: frames.reduce((sum, { text }) => sum + text.length, 0),
    });
    for (const seat of this.#seats) {
      if (!seat.isLive) continue;
      seat.isLive = false;
      this.look(seat);
    }
  }

  /** The watcher's link has room again, or may have. */
  look(seat: Seat): void {
    if (!this.#isReady) return;
    if (!seat.isLive) this.#catchUp(seat);
    seat.settle?.();
    seat.settle = null;
  }

  #catchUp(seat: Seat): void {
    const { watcher } = seat;
    for (;;) {
      if (seat.reading === null && seat.has === this.#options.members.hash) {
        seat.isLive = true;
        return;
      }
      if (!watcher.hasRoom()) return;
      if (seat.reading === null) {
        // The last of them: who came and left again leaves the same hash behind, and the first would begin a circle.
        const step = this.#steps.findLast(({ from }) => from === seat.has);
        seat.reading = { told: step ?? this.#bookFor(seat), page: 0 };
      }
      readOn(seat, seat.reading);
    }
  }

  #keep(step: Step): void {
    this.#steps.push(step);
    this.#stepBytes += step.bytes;
    while (this.#steps.length > MAX_STEPS || this.#stepBytes > MAX_STEP_BYTES) {
      const oldest = this.#steps.shift();
      if (oldest === undefined) return;
      this.#stepBytes -= oldest.bytes;
    }
  }

  /**
   * A storm of watchers shares one, which may be older, since they go on from it by steps. Who knows something already
   * gets it as of now: an older one would show people who have left to somebody who saw them leave.
   */
  #bookFor({ has }: Seat): Told {
    const { channel, leaveAfterMs, maxFrameBytes, members } = this.#options;
    const { hash } = members;
    const book = this.#book;
    const mayBeOlder = has === null;
    if (
      book !== null &&
      (book.hash === hash || (mayBeOlder && this.#steps.some(({ from }) => from === book.hash)))
    ) {
      return book;
    }
    const pages = gather(members.texts(), maxFrameBytes);
    const last = pages.length - 1;
    const frames = pages.map((page, at) =>
      presenceFrame(
        `{"type":"presence","channel":${JSON.stringify(channel)},"page":${at},"members":[${page.join(',')}],` +
          `${at === last ? `"hash":"${hash}",` : ''}"leaveAfterMs":${leaveAfterMs}}`,
      ),
    );
    this.#book = { hash, frames };
    return this.#book;
  }
}

function readOn(seat: Seat, reading: NonNullable<Seat['reading']>): void {
  const { told } = reading;
  const frame = told.frames[reading.page];
  reading.page += 1;
  if (reading.page >= told.frames.length) {
    seat.reading = null;
    seat.has = told.hash;
  }
  // Last, because it may end the link.
  if (frame !== undefined) seat.watcher.tell(frame);
}

function changeTexts(
  channel: string,
  from: string,
  hash: string,
  present: readonly string[],
  gone: readonly string[],
  maxBytes: number,
): string[] {
  const pages = gather(present, maxBytes);
  const ids = gather(
    gone.map((id) => JSON.stringify(id)),
    maxBytes,
  );
  const count = Math.max(pages.length, ids.length);
  return Array.from({ length: count }, (_, at) => {
    const first = at === 0 ? `"from":"${from}",` : '';
    const last = at === count - 1 ? `,"hash":"${hash}"` : '';
    const came = (pages[at] ?? []).join(',');
    const left = (ids[at] ?? []).join(',');
    return `{"type":"presence","channel":${JSON.stringify(channel)},${first}"present":[${came}],"gone":[${left}]${last}}`;
  });
}

/** In lists of at most so many characters; one list where there is nothing. */
function gather(texts: Iterable<string>, maxBytes: number): string[][] {
  const lists: string[][] = [[]];
  let bytes = 0;
  for (const text of texts) {
    const last = lists.at(-1);
    if (last === undefined || (bytes > 0 && bytes + text.length > maxBytes)) {
      lists.push([text]);
      bytes = 0;
    } else {
      last.push(text);
    }
    bytes += text.length;
  }
  return lists;
}

function presenceFrame(text: string): OutboundFrame {
  return liveFrame('presence', text);
}

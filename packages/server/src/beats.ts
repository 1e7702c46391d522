// The beats of all links: those of one interval sit on a ring of places and are gone through place by place, so that a
// beat costs a link two numbers and no timer, and links that came together do not beat together. Rules: LINK-6.

import type { Limits } from '@millrace/protocol';
import type { Timers } from './seams/timers.ts';

/** Time between two places of a ring, ms: the wheel's own. */
const STEP_MS = 50;

/** Beats that are asked for are rounded down to whole steps of this, ms. */
const ROUND_MS = 500;

/** A link that beats. Its place is kept by the beats; -1 while it has none. */
export interface Beating {
  beatPlace: number;
  beatIndex: number;
  beat(): void;
}

export interface Beats {
  /** What becomes of the beat that was asked for: never slower than the carrier's, never faster than the limit. */
  intervalMs(asked: number | undefined, carrierMs: number): number;
  start(link: Beating, intervalMs: number): void;
  stop(link: Beating, intervalMs: number): void;
}

export interface BeatsOptions {
  readonly limits: Limits;
  readonly timers: Timers;
  /** 0 … 1. Default `Math.random`. */
  readonly random?: () => number;
  /** ms of a clock that never goes back. Default: the process's. */
  readonly now?: () => number;
}

export function createBeats(options: BeatsOptions): Beats {
  const { limits, timers, random = Math.random, now = () => performance.now() } = options;
  const rings = new Map<number, Ring>();
  return {
    intervalMs(asked, carrierMs) {
      const wanted = Math.min(asked ?? carrierMs, carrierMs);
      // Few rings, whatever is asked for: each has its timer.
      const rounded = wanted === carrierMs ? wanted : Math.floor(wanted / ROUND_MS) * ROUND_MS;
      return Math.max(rounded, limits.minBeatMs);
    },
    start(link, intervalMs) {
      let ring = rings.get(intervalMs);
      if (ring === undefined) {
        ring = createRing(intervalMs, timers, now, () => rings.delete(intervalMs));
        rings.set(intervalMs, ring);
      }
      ring.add(link, random());
    },
    stop: (link, intervalMs) => rings.get(intervalMs)?.remove(link),
  };
}

interface Ring {
  add(link: Beating, random: number): void;
  remove(link: Beating): void;
}

function createRing(
  intervalMs: number,
  timers: Timers,
  now: () => number,
  onEmpty: () => void,
): Ring {
  // A place less than the interval has: the wheel may be a step late, and a beat must not be.
  const count = Math.max(1, Math.floor(intervalMs / STEP_MS) - 1);
  const places = Array.from({ length: count }, (): Beating[] => []);
  const startedAt = now();
  let links = 0;
  let turned = 0;
  turnLater();

  function turnLater(): void {
    timers.after(STEP_MS, () => {
      if (links === 0) {
        onEmpty();
        return;
      }
      turnLater();
      const due = Math.floor((now() - startedAt) / STEP_MS);
      // After a pause of more than a turn everybody is due, once.
      turned = Math.max(turned, due - count);
      while (turned < due) {
        turned += 1;
        // A copy: a beat that cannot be sent may end its link.
        for (const link of [...(places[turned % count] ?? [])]) link.beat();
      }
    });
  }

  return {
    add(link, random) {
      // Half an interval from now at least: who has just been told hello needs no beat.
      const ahead = Math.ceil((count / 2) * (1 + random));
      const place = (turned + ahead) % count;
      const there = places[place] ?? [];
      link.beatPlace = place;
      link.beatIndex = there.length;
      there.push(link);
      links += 1;
    },
    remove(link) {
      const there = places[link.beatPlace];
      if (there === undefined) return;
      const last = there.pop();
      if (last !== undefined && last !== link) {
        there[link.beatIndex] = last;
        last.beatIndex = link.beatIndex;
      }
      link.beatPlace = -1;
      links -= 1;
    },
  };
}

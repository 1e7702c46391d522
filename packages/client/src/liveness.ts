// Whether a link still lives, and whether something on the way holds it back. Pure: time comes with each event.
// Rules: LINK-6, CLI-9, CLI-10.
//
// A tick that comes late means that the page slept or was throttled: silence during sleep proves nothing, so
// the link is probed first; and what arrives in the first second after a wake is no measure of delay.

export interface Liveness {
  /** Silence after which the link is dead, ms. */
  readonly silenceMs: number;
  readonly lastByteAt: number;
  readonly tickDueAt: number;
  readonly wokeAt: number;
  /** Until when an answer to the probe is awaited; null when none is. */
  readonly probeUntil: number | null;
  /** Smallest of (arrival − server's clock) so far: clocks differ, so only the growth is a delay. */
  readonly smallestDelayMs: number | null;
  readonly lastBeat: { readonly at: number; readonly arrivedAt: number } | null;
}

export type LivenessEvent =
  | { readonly type: 'byte' | 'wake' | 'probe' | 'tick' }
  /** `at`: the server's clock when it sent the beat. */
  | { readonly type: 'beat'; readonly at: number };

export type Verdict = 'alive' | 'probe' | 'dead' | 'buffered';

const PROBE_MS = 1_000;
const LATE_TICK_MS = 1_000;
const TICK_MS = 1_000;
const HELD_MS = 3_000;
const AFTER_WAKE_MS = 1_000;
/** Beats that were sent at least this far apart and arrive closer than `TOGETHER_MS` were gathered on the way. */
const APART_MS = 900;
const TOGETHER_MS = 50;
/** Bytes newer than this answer a probe before it is sent. */
const RECENT_MS = 1_000;

export function startLiveness(now: number, silenceMs: number): Liveness {
  return {
    silenceMs,
    lastByteAt: now,
    tickDueAt: now + Math.min(TICK_MS, silenceMs),
    wokeAt: Number.NEGATIVE_INFINITY,
    probeUntil: null,
    smallestDelayMs: null,
    lastBeat: null,
  };
}

export interface LivenessStep {
  readonly liveness: Liveness;
  readonly verdict: Verdict;
}

export function stepLiveness(before: Liveness, event: LivenessEvent, now: number): LivenessStep {
  switch (event.type) {
    case 'byte':
      return to({ ...before, lastByteAt: now, probeUntil: null });
    case 'beat':
      return readBeat(before, event.at, now);
    case 'wake':
      return to(woken(before, now));
    case 'probe':
      return now - before.lastByteAt < RECENT_MS
        ? to(woken(before, now))
        : probe(woken(before, now), now);
    case 'tick':
      return tick(before, now);
  }
}

function to(liveness: Liveness, verdict: Verdict = 'alive'): LivenessStep {
  return { liveness, verdict };
}

function tick(before: Liveness, now: number): LivenessStep {
  const isLate = now - before.tickDueAt > LATE_TICK_MS;
  const current = isLate ? woken(before, now) : before;
  const { probeUntil, lastByteAt, silenceMs } = current;
  // While an answer is awaited, its time counts alone.
  const deadAt = probeUntil ?? lastByteAt + silenceMs;
  if (now >= deadAt) {
    return isLate && probeUntil === null ? probe(current, now) : to(current, 'dead');
  }
  // Exactly at the deadline, not up to a second after it.
  return to({ ...current, tickDueAt: Math.min(now + TICK_MS, deadAt) });
}

function readBeat(before: Liveness, at: number, now: number): LivenessStep {
  const delayMs = now - at;
  const { lastBeat, wokeAt } = before;
  const smallestDelayMs = Math.min(before.smallestDelayMs ?? delayMs, delayMs);
  const isTogether =
    lastBeat !== null && at - lastBeat.at >= APART_MS && now - lastBeat.arrivedAt <= TOGETHER_MS;
  const isHeld = delayMs - smallestDelayMs > HELD_MS;
  const isAfterWake = now - wokeAt <= AFTER_WAKE_MS;
  return to(
    { ...before, smallestDelayMs, lastBeat: { at, arrivedAt: now } },
    (isTogether || isHeld) && !isAfterWake ? 'buffered' : 'alive',
  );
}

function woken(before: Liveness, now: number): Liveness {
  // The clock may have been set meanwhile: delays are measured anew.
  return { ...before, wokeAt: now, smallestDelayMs: null, lastBeat: null };
}

function probe(before: Liveness, now: number): LivenessStep {
  const probeUntil = now + PROBE_MS;
  return to({ ...before, probeUntil, tickDueAt: probeUntil }, 'probe');
}

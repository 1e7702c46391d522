// The beats of one link: its clock for the peer, at the interval that `hello` names, whatever else is sent.
// Rules: LINK-6.

import type { Limits } from '@millrace/protocol';
import type { ConnectFrame } from '@millrace/protocol/wire';
import type { Link } from './seams/link.ts';
import type { Timers } from './seams/timers.ts';

export interface Beats {
  readonly intervalMs: number;
  start(): void;
  stop(): void;
}

export interface BeatsOptions {
  readonly link: Link;
  readonly connect: ConnectFrame;
  readonly limits: Limits;
  readonly timers: Timers;
  readonly send: () => void;
}

export function createBeats({ link, connect, limits, timers, send }: BeatsOptions): Beats {
  // A link may ask for a faster beat than its carrier's, never for a slower one.
  const asked = Math.min(connect.beatMs ?? link.beatMs, link.beatMs);
  const intervalMs = Math.max(asked, limits.minBeatMs);
  let cancel: () => void = () => undefined;

  function next(): void {
    // Up to a tenth early, never late: links that came together do not beat together for ever.
    cancel = timers.after(intervalMs * (0.9 + Math.random() * 0.1) - TICK_ALLOWANCE_MS, () => {
      send();
      next();
    });
  }

  return { intervalMs, start: next, stop: () => cancel() };
}

/** The wheel may be a tick late. */
const TICK_ALLOWANCE_MS = 50;

// How far the watchers of each channel were told. Where several nodes append to one channel, each hears of the others
// on another connection than that of its answers, and Redis writes the answers first: one of them would look like a
// hole, and cost a read of the log (measured with sixteen publishers on two nodes: for 8 of 10 appends). What is
// missing is under way: it is waited for, a few ms at most. Rule: LOG-7.

import type { AppendHint } from '../../seams/log.ts';
import { createSignal } from './signal.ts';

/** Then the watchers read. */
const WAIT_MS = 5;

type Hints = ReadonlyMap<string, AppendHint>;

export interface ToldHeads {
  told(channel: string, hint: AppendHint): void;
  /** Resolves when none of these leaves a hole that what is heard would fill. */
  caughtUp(hints: Hints): Promise<void>;
  /** Somebody waits: then one's own messages count too, each in its place among the others'. */
  readonly isAwaited: boolean;
  forget(channel: string): void;
}

/** `isHeard`: what others append to the channel comes by itself. */
export function createToldHeads(isHeard: (channel: string) => boolean): ToldHeads {
  const heads = new Map<string, { readonly epoch: string; readonly head: number }>();
  const changes = createSignal();
  let waiting = 0;

  function isBehind(hints: Hints): boolean {
    for (const [channel, { epoch, head, entries }] of hints) {
      const known = heads.get(channel);
      const hasHole = known?.epoch === epoch && known.head < head - entries.length;
      if (hasHole && isHeard(channel)) return true;
    }
    return false;
  }

  return {
    told(channel, { epoch, head }) {
      const known = heads.get(channel);
      if (known?.epoch === epoch && known.head >= head) return;
      heads.set(channel, { epoch, head });
      changes.fire();
    },
    async caughtUp(hints) {
      if (!isBehind(hints)) return;
      const untilMs = performance.now() + WAIT_MS;
      waiting += 1;
      while (isBehind(hints) && performance.now() < untilMs) await changes.wait(untilMs);
      waiting -= 1;
    },
    get isAwaited() {
      return waiting > 0;
    },
    forget: (channel) => void heads.delete(channel),
  };
}

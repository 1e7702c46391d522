// Looks now and then where all the channels stand that somebody listens to, and soon where hints may have been lost: a
// hint that never comes then costs seconds, not readers. One bounded statement at a time, and never two rounds at once.
// Rules: LOG-7, LOG-16.

import type { AppendHint } from '../../seams/log.ts';
import { backoffMs } from '../backoff.ts';
import type { SqlRow } from './database.ts';
import { parseHead } from './rows.ts';

export interface HeadCheck {
  soon(): void;
  /** Resolves once nothing is under way. */
  close(): Promise<void>;
}

export interface HeadCheckOptions {
  readonly everyMs: number;
  /** Those that somebody listens to. */
  readonly channels: () => Iterable<string>;
  readonly look: (channels: readonly string[]) => Promise<readonly SqlRow[]>;
  readonly found: (channel: string, hint: AppendHint) => void;
  /** An empty channel that was another one at the look before, or was not looked up then. */
  readonly emptied: (channel: string) => void;
}

/** Channels of one statement: some 10 ms of a server's time. */
const MAX_CHANNELS = 2_000;
/** Between two rounds, however often they are asked for, ms. */
const LEAST_MS = 100;

export function createHeadCheck(options: HeadCheckOptions): HeadCheck {
  const { everyMs, channels, look, found, emptied } = options;
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> | null = null;
  /** The epochs of those that were empty at the last look. */
  let empty: ReadonlyMap<string, string> = new Map();
  let last = { endedAt: Number.NEGATIVE_INFINITY, failures: 0 };
  let isAskedAgain = false;
  let isClosed = false;

  async function run(): Promise<void> {
    const names = [...channels()];
    const nowEmpty = new Map<string, string>();
    for (let from = 0; from < names.length && !isClosed; from += MAX_CHANNELS) {
      for (const row of await look(names.slice(from, from + MAX_CHANNELS))) {
        const { channel, hint } = parseHead(row);
        if (hint.head > 0 || hint.isEnded) {
          found(channel, hint);
        } else {
          nowEmpty.set(channel, hint.epoch);
          // Nothing was appended, so there is nothing to hint; but there may have been something before.
          if (empty.get(channel) !== hint.epoch) emptied(channel);
        }
      }
    }
    empty = nowEmpty;
  }

  /** Whoever reads is told of a failure by its own read; here it is tried again until it works. */
  function begin(): void {
    isAskedAgain = false;
    round = run().then(
      () => ended(0),
      () => ended(last.failures + 1),
    );
  }

  function ended(failures: number): void {
    round = null;
    last = { endedAt: performance.now(), failures };
    if (failures > 0) later(backoffMs(failures, everyMs, Math.random()));
    else later(isAskedAgain ? LEAST_MS : everyMs);
  }

  function later(ms: number): void {
    clearTimeout(timer);
    if (!isClosed) timer = setTimeout(begin, ms);
  }

  later(everyMs);

  return {
    soon() {
      if (round !== null) isAskedAgain = true;
      else if (last.failures === 0) {
        later(Math.max(0, last.endedAt + LEAST_MS - performance.now()));
      }
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await round;
    },
  };
}

// Gathers what moved here and tells the other nodes: at most one telling under way, and what moves meanwhile goes with
// the next. What could not be told stays, the newest of each channel, until there is a session again.
// Rules: LOG-7. Refuses to own: the session.

import type { AppendHint } from '../../seams/log.ts';
import { encodeHints, LOG_CHANNEL, type Moved } from './hint-words.ts';
import type { Told } from './line.ts';

export interface HintSender {
  moved(channel: string, hint: AppendHint): void;
  /** There is a session again. */
  resume(): void;
  /** Resolves once what had moved is told, or cannot be. */
  close(): Promise<void>;
}

export interface HintSenderOptions {
  /** Which node this is, so that it knows its own words. */
  readonly origin: string;
  readonly tell: (messages: readonly Told[]) => Promise<void>;
}

/** Channels that are remembered while nobody can be told; past it one word says that many moved. */
const MAX_MOVED = 5_000;

export function createHintSender({ origin, tell }: HintSenderOptions): HintSender {
  let waiting = new Map<string, Moved>();
  let isCut = false;
  let resumes = 0;
  let telling: Promise<void> | null = null;

  async function run(): Promise<void> {
    // What else is appended in this turn of the loop goes along.
    await Promise.resolve();
    while (waiting.size > 0) {
      const taken = waiting;
      const seen = resumes;
      waiting = new Map();
      const payloads = encodeHints(origin, taken);
      try {
        await tell(payloads.map((payload) => ({ channel: LOG_CHANNEL, payload })));
      } catch {
        // The line is broken then, and says when it is back; it may be already.
        waiting = new Map([...taken, ...waiting]);
        isCut = resumes === seen;
        if (isCut) break;
      }
    }
    telling = null;
  }

  function start(): void {
    telling ??= run();
  }

  return {
    moved(channel, { epoch, head, isEnded }) {
      if (waiting.size < MAX_MOVED || waiting.has(channel)) {
        waiting.set(channel, { epoch, head, isEnded });
      }
      if (!isCut) start();
    },
    resume() {
      resumes += 1;
      isCut = false;
      start();
    },
    async close() {
      await telling;
      isCut = true;
      waiting.clear();
    },
  };
}

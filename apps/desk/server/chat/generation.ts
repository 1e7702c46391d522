// A generation: every agent writes about what it really holds and did, all at once, and it is posted together.
//
//   idle ──run──▶ running ──posted or failed──▶ idle        a second run while running joins it
//
// Each agent has its own time limit; one that is late or fails is written for by the built-in phrasing,
// and its messages say so. Refuses to own: who may call, and when (routes, schedule).

import type { GenerateAnswer } from '../../shared/api.ts';
import type { Log } from '../log.ts';
import type { MessageBoard, NewMessage } from './message-board.ts';
import type { Briefing, Draft, Phrasing } from './phrasing.ts';

export interface GenerationOptions {
  readonly board: MessageBoard;
  readonly phrasing: Phrasing;
  readonly fallback: Phrasing;
  /** What every agent knows now, with the number of messages asked for. */
  brief(count: number): Promise<readonly Briefing[]>;
  readonly messagesPerAgent: number;
  readonly timeoutMs: number;
  /** How many subscriptions there are, for the log. */
  readers(): number;
  readonly log: Log;
}

export interface Generation {
  /** Joins the one that is running, if any. Rejects when nothing could be stored; then nothing was broadcast. */
  run(reason: string): Promise<GenerateAnswer>;
  /** Resolves once nothing is running. */
  settled(): Promise<void>;
}

export function createGeneration(options: GenerationOptions): Generation {
  const { log } = options;
  let running: Promise<GenerateAnswer> | null = null;
  return {
    run(reason) {
      if (running !== null) {
        log.info({ reason }, 'generation joined');
        return running;
      }
      const started = generate(options, reason).finally(() => {
        running = null;
      });
      running = started;
      return started;
    },
    async settled() {
      // Its outcome belongs to whoever called `run`.
      await Promise.allSettled([running]);
    },
  };
}

async function generate(options: GenerationOptions, reason: string): Promise<GenerateAnswer> {
  const { log, board } = options;
  const startedAt = performance.now();
  const briefings = await options.brief(options.messagesPerAgent);
  log.info({ agents: briefings.length, reason }, 'agents fetched');
  const written = await Promise.all(briefings.map((briefing) => writeFor(briefing, options)));
  const messages = await board.post(written.flat());
  const ms = Math.round(performance.now() - startedAt);
  log.info({ messages: messages.length, ms }, 'messages generated and stored');
  log.info({ tag: 'real-time', subscriptions: options.readers() }, 'messages broadcast');
  const timestamp = new Date().toISOString();
  return { success: true, messagesGenerated: messages.length, messages, timestamp };
}

async function writeFor(briefing: Briefing, options: GenerationOptions): Promise<NewMessage[]> {
  const { phrasing, fallback, timeoutMs, log } = options;
  const { agentId } = briefing;
  const own = (drafts: readonly Draft[]): NewMessage[] =>
    drafts.slice(0, briefing.count).map((draft) => ({ ...draft, agentId }));
  try {
    return own(await withinTime(timeoutMs, (signal) => phrasing.write(briefing, signal)));
  } catch (err) {
    log.warn({ err, agentId, phrasing: phrasing.name }, 'phrasing failed, the built-in one writes');
    const drafts = own(await fallback.write(briefing, new AbortController().signal));
    return drafts.map((draft) => ({ ...draft, isFallback: true }));
  }
}

/** Rejects at the limit even where the work ignores its signal. */
async function withinTime<Value>(
  limitMs: number,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      late.abort();
      reject(new Error(`nothing was written within ${limitMs} ms`));
    }, limitMs);
  });
  try {
    return await Promise.race([work(late.signal), limit]);
  } finally {
    clearTimeout(timer);
  }
}

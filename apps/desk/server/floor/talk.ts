// Agents that speak by themselves while they work: at their pace (talk-pace.ts), each time one message about what
// they hold and did, in the built-in phrasing; those whose turns fall together are posted together.
// Refuses to own: words (phrasing), storage and broadcast (message board).

import type { MessageBoard } from '../chat/message-board.ts';
import type { Briefing, Phrasing } from '../chat/phrasing.ts';
import { createTalkPace } from './talk-pace.ts';

export interface TalkOptions {
  readonly agentIds: readonly string[];
  readonly everyMs: number;
  readonly board: MessageBoard;
  readonly phrasing: Phrasing;
  brief(agentId: string, count: number): Briefing;
  onError(error: unknown): void;
}

export interface Talk {
  /** The agent traded: it may speak as early as its pace allows. */
  hurry(agentId: string): void;
  /** Resolves once the last message is posted. Idempotent. */
  stop(): Promise<void>;
}

export function startTalk(options: TalkOptions): Talk {
  const { agentIds, everyMs } = options;
  if (everyMs === 0) return { hurry: () => undefined, stop: async () => undefined };
  const pace = createTalkPace(agentIds, { everyMs, nowMs: Date.now(), random: Math.random });
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  const speak = async (): Promise<void> => {
    try {
      const due = pace.due(Date.now());
      const written = await Promise.all(
        due.map(async (agentId) => {
          const drafts = await options.phrasing.write(options.brief(agentId, 1), abort.signal);
          return drafts.map((draft) => ({ ...draft, agentId }));
        }),
      );
      await options.board.post(written.flat());
    } catch (error) {
      if (!abort.signal.aborted) options.onError(error);
    }
    schedule();
  };
  const schedule = (): void => {
    if (abort.signal.aborted) return;
    const wait = Math.max(0, pace.nextAt() - Date.now());
    // A hurried turn is noticed within a second; a timer per hurry would be one more thing to cancel.
    timer = setTimeout(
      () => {
        running = speak();
      },
      Math.min(wait, 1_000),
    );
  };
  schedule();
  return {
    hurry: (agentId) => pace.hurry(agentId),
    async stop() {
      abort.abort();
      clearTimeout(timer);
      await running;
    },
  };
}

// Whether the database can be reached: once it could not, calls are refused at once but for one that tries, after a
// backoff. Nobody waits in vain, nothing spins, and a server that returns is not stormed. Rule: LOG-16.
//
//   reached ──no answer──▶ lost ──backoff over, a call──▶ trying ──answer──▶ reached
//                            ▲─────────── no answer ────────┘
//
// A call without an answer counts only if nobody else got one since it began: then it was slow, not the database gone.

import { backoffMs } from '../backoff.ts';
import { unavailable } from './engine-error.ts';

export type ReachState =
  | { readonly status: 'reached'; readonly answeredAt: number }
  | { readonly status: 'lost'; readonly failures: number; readonly retryAt: number }
  | { readonly status: 'trying'; readonly failures: number };

export type ReachEvent =
  | { readonly type: 'asked'; readonly at: number }
  | { readonly type: 'answered'; readonly at: number }
  | {
      readonly type: 'unanswered';
      readonly at: number;
      readonly askedAt: number;
      readonly random: number;
    };

/** However long it is gone, it is tried again after this, ms. */
const MOST_MS = 2_000;

export const REACHED: ReachState = { status: 'reached', answeredAt: Number.NEGATIVE_INFINITY };

export function reachStep(state: ReachState, event: ReachEvent): ReachState {
  switch (event.type) {
    case 'asked':
      // The one who finds it lost and due is the one who tries.
      return mayAsk(state, event.at) && state.status === 'lost'
        ? { status: 'trying', failures: state.failures }
        : state;
    case 'answered':
      return { status: 'reached', answeredAt: event.at };
    case 'unanswered': {
      if (state.status === 'lost') return state;
      if (state.status === 'reached' && state.answeredAt >= event.askedAt) return state;
      const failures = state.status === 'trying' ? state.failures + 1 : 1;
      const retryAt = event.at + backoffMs(failures, MOST_MS, event.random);
      return { status: 'lost', failures, retryAt };
    }
  }
}

/** Whether a call goes through. */
export function mayAsk(state: ReachState, at: number): boolean {
  return state.status === 'reached' || (state.status === 'lost' && at >= state.retryAt);
}

export interface Reach {
  /** @throws MillraceError `engine/unavailable` while the database is out of reach and nobody may try */
  check(): void;
  /** Rejects with `engine/unavailable` at once while the database is out of reach. */
  run<Result>(work: () => Promise<Result>): Promise<Result>;
}

export interface ReachOptions {
  /** Whether this error says that there was no answer. */
  readonly isUnanswered: (thrown: unknown) => boolean;
  readonly now?: () => number;
  readonly random?: () => number;
}

export function createReach(options: ReachOptions): Reach {
  const { isUnanswered, now = () => performance.now(), random = Math.random } = options;
  let state = REACHED;

  function check(): void {
    if (mayAsk(state, now())) return;
    throw unavailable('The database is out of reach. It is tried again in a moment.');
  }

  return {
    check,
    async run(work) {
      check();
      const askedAt = now();
      state = reachStep(state, { type: 'asked', at: askedAt });
      try {
        const result = await work();
        state = reachStep(state, { type: 'answered', at: now() });
        return result;
      } catch (thrown) {
        const at = now();
        state = reachStep(
          state,
          isUnanswered(thrown)
            ? { type: 'unanswered', at, askedAt, random: random() }
            : { type: 'answered', at },
        );
        throw thrown;
      }
    },
  };
}

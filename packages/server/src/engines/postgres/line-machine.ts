// What a line does next, as a pure function: a session that is kept for hearing what other nodes tell, and made again
// whenever it breaks. Refuses to own: clients, timers. Rules: LOG-7, LOG-16.
//
//   connecting ──connected──▶ open ──broke──▶ waiting ──due──▶ connecting …       close, from anywhere ──▶ closed
//       └────────broke─────────────────────────▲
//
// Each connection has a number; what concerns an earlier one comes too late and changes nothing.

import { backoffMs } from '../backoff.ts';

export type LineState =
  | { readonly status: 'connecting'; readonly number: number; readonly failures: number }
  | { readonly status: 'open'; readonly number: number; readonly failures: number }
  | { readonly status: 'waiting'; readonly number: number; readonly failures: number }
  | { readonly status: 'closed' };

export type LineEvent =
  | { readonly type: 'connected'; readonly number: number }
  /** A ping came back: the session has proved itself, and the next failure is a first one. */
  | { readonly type: 'proved'; readonly number: number }
  | { readonly type: 'broke'; readonly number: number; readonly random: number }
  | { readonly type: 'due'; readonly number: number }
  | { readonly type: 'close' };

export type LineEffect =
  | { readonly type: 'connect'; readonly number: number }
  /** Whoever hears may have missed something, and pings begin. */
  | { readonly type: 'opened' }
  /** The client of this number is of no use any more. */
  | { readonly type: 'drop' }
  | { readonly type: 'wait'; readonly ms: number; readonly number: number }
  /** Once for each outage. */
  | { readonly type: 'report' };

/** However often it failed, it is tried again after this, ms. */
const MOST_MS = 2_000;

export function lineStep(
  state: LineState,
  event: LineEvent,
): { readonly state: LineState; readonly effects: readonly LineEffect[] } {
  const unchanged = { state, effects: [] };
  if (state.status === 'closed') return unchanged;
  if (event.type === 'close') return { state: { status: 'closed' }, effects: [{ type: 'drop' }] };
  if (event.number !== state.number) return unchanged;
  switch (event.type) {
    case 'connected':
      return state.status === 'connecting'
        ? { state: { ...state, status: 'open' }, effects: [{ type: 'opened' }] }
        : unchanged;
    case 'proved':
      return state.status === 'open'
        ? { state: { ...state, failures: 0 }, effects: [] }
        : unchanged;
    case 'broke': {
      if (state.status === 'waiting') return unchanged;
      const failures = state.failures + 1;
      const ms = backoffMs(failures, MOST_MS, event.random);
      return {
        state: { ...state, status: 'waiting', failures },
        effects: [
          { type: 'drop' },
          ...(failures === 1 ? [{ type: 'report' } as const] : []),
          { type: 'wait', ms, number: state.number },
        ],
      };
    }
    case 'due': {
      if (state.status !== 'waiting') return unchanged;
      const number = state.number + 1;
      return {
        state: { ...state, status: 'connecting', number },
        effects: [{ type: 'connect', number }],
      };
    }
  }
}

// A stream by fetch as one machine: what each event does in each state. Owns no clock, no chance and no request: they
// come with the event, and what is needed is read off the state. Rules: ESC-1, ESC-3, ESC-4.
//
//   idle ──connect──▶ connecting ──opened──▶ open
//    ▲                 ▲      │ failed        │ failed, ended
//    │ disconnect   due│      ▼               ▼        given up, refused, 204, [DONE]
//    └──── from all ── waiting ◀──────────────┘─────────────▶ over

import { MillraceError } from '@millrace/protocol';
import { STABLE_MS, spreadMs } from '../backoff.ts';

export interface SseRules {
  readonly maxRetries: number;
  readonly initialRetryDelayMs: number;
  readonly maxRetryDelayMs: number;
  readonly backoffMultiplier: number;
}

export type SseState =
  | { readonly name: 'idle' }
  | {
      readonly name: 'connecting';
      readonly request: number;
      readonly begunAt: number;
      /** In a row. */
      readonly failures: number;
      /** Of the last one; null before any. */
      readonly error: MillraceError | null;
    }
  | {
      readonly name: 'open';
      readonly request: number;
      readonly since: number;
      /** Before it; 0 once the stream has got further. */
      readonly failures: number;
    }
  | {
      readonly name: 'waiting';
      readonly failures: number;
      readonly error: MillraceError;
      readonly retryAt: number;
      /** The server named the time: nobody comes sooner. */
      readonly isAsked: boolean;
    }
  | {
      readonly name: 'over';
      /** Null: it ended in order. */
      readonly error: MillraceError | null;
      /** Only `connect` begins anew. One that was given up is tried again when the page wakes. */
      readonly isFinal: boolean;
    };

export interface SseMachine {
  readonly state: SseState;
  readonly lastRequest: number;
  readonly isOnline: boolean;
  /** The stream's `retry:`, ms; null before one. */
  readonly retryMs: number | null;
}

export type SseEvent =
  | { readonly type: 'connect' | 'disconnect' | 'due' | 'offline' | 'hidden' }
  /** `quietMs`: since the last byte. */
  | { readonly type: 'wake' | 'online'; readonly quietMs: number }
  | { readonly type: 'opened' | 'moved' | 'finished'; readonly request: number }
  | { readonly type: 'retry'; readonly request: number; readonly ms: number }
  | {
      readonly type: 'failed';
      readonly request: number;
      readonly error: MillraceError;
      readonly isFinal: boolean;
    };

/** What the application is told. */
export type SseTold =
  | { readonly type: 'open' | 'close' }
  | { readonly type: 'error'; readonly error: MillraceError };

export interface SseStep {
  readonly machine: SseMachine;
  readonly told: readonly SseTold[];
}

export interface Moment {
  readonly now: number;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly jitter: number;
}

/** The server's beat is 15 s: a page that wakes and has heard nothing for longer does not wait for the silence to end. */
const OVERDUE_MS = 20_000;
/** A stream that spoke since then has lived through the change of the network. */
const RECENT_MS = 2_000;
/** A request that began since then may have the new network already. */
const FRESH_MS = 1_000;

export const IDLE_SSE: SseMachine = {
  state: { name: 'idle' },
  lastRequest: 0,
  isOnline: true,
  retryMs: null,
};

export function stepSse(
  machine: SseMachine,
  event: SseEvent,
  moment: Moment,
  rules: SseRules,
): SseStep {
  const { state } = machine;
  switch (event.type) {
    case 'connect':
      return connect(machine, moment.now);
    case 'disconnect': {
      const isAlive = state.name !== 'idle' && state.name !== 'over';
      return to({ ...machine, state: { name: 'idle' } }, isAlive ? [{ type: 'close' }] : []);
    }
    case 'due':
      return state.name === 'waiting' && machine.isOnline
        ? request(machine, moment.now, state.failures, state.error)
        : to(machine);
    case 'offline':
      return to({ ...machine, isOnline: false });
    case 'hidden':
      return to(machine);
    case 'wake':
      return stir(machine, moment.now, event.quietMs > OVERDUE_MS);
    case 'online':
      return stir({ ...machine, isOnline: true }, moment.now, event.quietMs > RECENT_MS);
    default:
      return requestOf(state) === event.request ? hear(machine, event, moment, rules) : to(machine);
  }
}

/** The request that should be under way; null for none. */
export function requestOf(state: SseState): number | null {
  return state.name === 'connecting' || state.name === 'open' ? state.request : null;
}

/** When the next try begins; null while none is planned, or the page is offline. */
export function retryAtOf({ state, isOnline }: SseMachine): number | null {
  return state.name === 'waiting' && isOnline ? state.retryAt : null;
}

/** Whether `connect` would go on with what was begun, rather than begin anew. */
export function isBegun(state: SseState): boolean {
  return state.name === 'over' ? !state.isFinal : state.name !== 'idle';
}

function connect(machine: SseMachine, now: number): SseStep {
  const { state } = machine;
  switch (state.name) {
    case 'idle':
      return request({ ...machine, retryMs: null }, now, 0, null);
    case 'over':
      return request(machine, now, 0, state.isFinal ? null : state.error);
    case 'waiting':
      return request(machine, now, 0, state.error);
    case 'connecting':
    case 'open':
      return to(machine);
  }
}

type Heard = Extract<SseEvent, { readonly request: number }>;

/** What the request under way says. */
function hear(machine: SseMachine, event: Heard, moment: Moment, rules: SseRules): SseStep {
  const { state } = machine;
  switch (event.type) {
    case 'opened': {
      if (state.name !== 'connecting') return to(machine);
      const { request: number, failures } = state;
      const open = { name: 'open', request: number, since: moment.now, failures } as const;
      return to({ ...machine, state: open }, [{ type: 'open' }]);
    }
    case 'moved':
      return state.name === 'open' && state.failures > 0
        ? to({ ...machine, state: { ...state, failures: 0 } })
        : to(machine);
    case 'retry':
      return to({ ...machine, retryMs: event.ms });
    case 'finished':
      return end(machine, null, true);
    case 'failed':
      return event.isFinal
        ? end(machine, event.error, true)
        : lose(machine, event.error, moment, rules);
  }
}

function lose(
  machine: SseMachine,
  error: MillraceError,
  { now, jitter }: Moment,
  rules: SseRules,
): SseStep {
  const { state } = machine;
  const isStable = state.name === 'open' && now - state.since >= STABLE_MS;
  const before = 'failures' in state && !isStable ? state.failures : 0;
  const failures = before + 1;
  if (failures > rules.maxRetries) return end(machine, error, false);
  const askedMs = error.details?.['retryAfterMs'];
  const isAsked = typeof askedMs === 'number';
  const afterMs = isAsked
    ? spreadMs(askedMs, Math.max(1_000, askedMs / 2), jitter)
    : delayMs(failures, machine.retryMs, jitter, rules);
  const waiting = { name: 'waiting', failures, error, retryAt: now + afterMs, isAsked } as const;
  return to({ ...machine, state: waiting }, [{ type: 'error', error }]);
}

/** Full jitter; never sooner than the stream's own `retry:`. */
function delayMs(
  failures: number,
  retryMs: number | null,
  jitter: number,
  { initialRetryDelayMs, maxRetryDelayMs, backoffMultiplier }: SseRules,
): number {
  const base = (retryMs ?? initialRetryDelayMs) * backoffMultiplier ** (failures - 1);
  return (retryMs ?? 0) + jitter * Math.min(maxRetryDelayMs, base);
}

/** Things may be better than they were. */
function stir(machine: SseMachine, now: number, isQuiet: boolean): SseStep {
  const { state } = machine;
  switch (state.name) {
    case 'idle':
      return to(machine);
    case 'over':
      return state.isFinal ? to(machine) : request(machine, now, 0, state.error);
    case 'waiting':
      return state.isAsked || !machine.isOnline
        ? to(machine)
        : request(machine, now, state.failures, state.error);
    case 'connecting':
      return isQuiet && now - state.begunAt > FRESH_MS
        ? request(machine, now, state.failures, state.error)
        : to(machine);
    case 'open': {
      if (!isQuiet) return to(machine);
      const error = new MillraceError('link/no-beat', 'The stream is silent. Opening it again.');
      const step = request(machine, now, state.failures, error);
      return to(step.machine, [{ type: 'error', error }]);
    }
  }
}

function request(
  machine: SseMachine,
  now: number,
  failures: number,
  error: MillraceError | null,
): SseStep {
  const number = machine.lastRequest + 1;
  const state = { name: 'connecting', request: number, begunAt: now, failures, error } as const;
  return to({ ...machine, lastRequest: number, state });
}

function end(machine: SseMachine, error: MillraceError | null, isFinal: boolean): SseStep {
  return to({ ...machine, state: { name: 'over', error, isFinal } }, [
    ...(error === null ? [] : [{ type: 'error', error } as const]),
    { type: 'close' },
  ]);
}

function to(machine: SseMachine, told: readonly SseTold[] = []): SseStep {
  return { machine, told };
}

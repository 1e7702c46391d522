// The connection as one machine: what each event does in each state.
// Owns no clock, no randomness, no socket: they arrive with the event. Which links and timers a state needs is
// read off it by connection-needs.ts; the answer to a lost link stands in recovery.ts, the change from one
// link to the next in migration.ts. Rules: CLI-1 … CLI-6.
//
//   idle ──start──▶ racing ──hello──▶ open ◀──hello / next failed── migrating
//                   ▲    │             │ └──upgrade, renew, goaway────▲
//             timer │    │ all failed  │ failed
//                   waiting ◀──────────┘          stop, final error ──▶ closed

import type { MillraceError } from '@millrace/protocol';
import { spreadMs } from './backoff.ts';
import type {
  Connection,
  ConnectionConfig,
  ConnectionEvent,
  ConnectionState,
  Context,
  In,
  LinkRef,
  Memory,
  Moment,
  Step,
  TimerName,
} from './connection-types.ts';
import { migrate, renew, stepMigrating } from './migration.ts';
import {
  connectNow,
  failRace,
  isAnswer,
  loseLink,
  newOutage,
  openWith,
  settle,
  to,
  tryNext,
} from './recovery.ts';
import { betterCarriers } from './upgrade.ts';

/** Changes of channels or token within this time share one new link. */
const GATHER_MS = 50;
/** A wake does not restart a race that is younger. */
const FRESH_TRY_MS = 1_000;

/** What a changed network makes void. */
const NEW_NETWORK = { remembered: null, avoided: {}, setback: null, upgrades: 0 } as const;

export function initialConnection(memory: Partial<Memory> = {}): Connection {
  return {
    memory: {
      ...NEW_NETWORK,
      lastLink: 0,
      lastCarrier: null,
      attempt: 0,
      isOnline: true,
      hiddenAt: null,
      ...memory,
    },
    state: { name: 'idle' },
  };
}

/** Total: in every state every event has a defined next state. */
export function stepConnection(
  { memory: before, state }: Connection,
  event: ConnectionEvent,
  moment: Moment,
  config: ConnectionConfig,
): Step {
  const memory = remember(before, event, moment.now);
  return stepState({ ...moment, ...config, memory }, state, event) ?? to(memory, state);
}

/** What an event says about the page and its network, whatever the state. */
function remember(memory: Memory, event: ConnectionEvent, now: number): Memory {
  switch (event.type) {
    case 'offline':
      return { ...memory, isOnline: false };
    case 'online':
      return memory.isOnline ? memory : { ...memory, ...NEW_NETWORK, isOnline: true };
    case 'hidden':
      return { ...memory, hiddenAt: memory.hiddenAt ?? now };
    case 'wake':
    case 'retry':
      return { ...memory, hiddenAt: null };
    case 'failed':
      return event.error.details?.['isCrowded'] === true
        ? { ...memory, setback: 'crowded' }
        : memory;
    default:
      return memory;
  }
}

/** Null: nothing changes. */
function stepState(context: Context, state: ConnectionState, event: ConnectionEvent): Step | null {
  const { type } = event;
  if (type === 'stop') return to(context.memory, { name: 'closed', error: null, isFinal: false });
  if (type === 'start' || type === 'wake' || type === 'online' || type === 'retry') {
    return stir(context, state, type);
  }
  switch (state.name) {
    case 'idle':
    case 'closed':
      return null;
    case 'racing':
      return stepRacing(context, state, event);
    case 'waiting':
      return event.type === 'due' ? endWait(context, state, event.timer) : null;
    case 'open':
      return stepOpen(context, state, event);
    case 'migrating':
      return stepMigrating(context, state, event);
  }
}

/** Somebody wants it, or things may be better than they were. */
function stir(
  context: Context,
  state: ConnectionState,
  cause: 'wake' | 'online' | 'retry' | 'start',
): Step | null {
  const { memory, now } = context;
  const isStart = cause === 'start';
  switch (state.name) {
    case 'idle':
    case 'closed':
      return isStart || cause === 'retry'
        ? connectNow({ ...context, memory: { ...memory, attempt: 0 } }, newOutage(now))
        : null;
    case 'racing':
      // The newest stands first.
      return isStart || now - state.tries[0].begunAt < FRESH_TRY_MS
        ? null
        : connectNow(context, state.outage);
    case 'waiting':
      return isStart ? null : connectNow(context, state.outage);
    case 'open':
    case 'migrating': {
      const { number } = state.name === 'open' ? state.link : state.from.link;
      return isStart ? null : to(memory, state, { type: 'probe', link: number });
    }
  }
}

function stepRacing(context: Context, state: In<'racing'>, event: ConnectionEvent): Step | null {
  const { memory, now, jitter } = context;
  const { outage, tries } = state;
  switch (event.type) {
    case 'hello': {
      const winner = tries.find(({ number }) => number === event.link);
      return winner === undefined ? null : openWith(context, winner, event.tookMs);
    }
    case 'failed': {
      const others = tries.filter(({ number }) => number !== event.link);
      return others.length < tries.length ? failTry(context, state, others, event.error) : null;
    }
    case 'goaway': {
      const retryAt = now + spreadMs(event.afterMs, event.spreadMs, jitter);
      return to(memory, { name: 'waiting', outage, retryAt });
    }
    case 'due':
      return event.timer === 'rung'
        ? nextRung(context, state, tries)
        : endWait(context, state, event.timer);
    default:
      return null;
  }
}

function endWait(context: Context, state: In<'racing' | 'waiting'>, timer: TimerName): Step | null {
  if (timer === 'slow') {
    return to(context.memory, { ...state, outage: { ...state.outage, isSlow: true } });
  }
  return timer === 'retry' && state.name === 'waiting' ? connectNow(context, state.outage) : null;
}

function failTry(
  context: Context,
  state: In<'racing'>,
  tries: readonly LinkRef[],
  error: MillraceError,
): Step | null {
  const outage = { ...state.outage, error };
  if (isAnswer(error)) return settle(context, outage, error);
  if (state.rungs.length > 0) return nextRung(context, { ...state, outage }, tries);
  const [first, ...rest] = tries;
  return first === undefined
    ? failRace(context, outage, error)
    : to(context.memory, { ...state, outage, tries: [first, ...rest] });
}

function nextRung(
  context: Context,
  { outage, rungs: [carrier, ...rungs] }: In<'racing'>,
  tries: readonly LinkRef[],
): Step | null {
  return carrier === undefined ? null : tryNext(context, outage, [carrier, ...rungs], tries);
}

function stepOpen(context: Context, state: In<'open'>, event: ConnectionEvent): Step | null {
  const { memory, now, jitter } = context;
  const { link, renewAt } = state;
  switch (event.type) {
    case 'failed':
      return event.link === link.number ? loseLink(context, state, event.error) : null;
    case 'goaway': {
      if (event.link !== link.number) return null;
      const at = now + spreadMs(event.afterMs, event.spreadMs, jitter);
      return to(memory, { ...state, renewAt: at });
    }
    case 'renew':
      return to(memory, { ...state, renewAt: Math.min(renewAt ?? Infinity, now + GATHER_MS) });
    case 'due':
      if (event.timer === 'renew') return renew(context, state);
      return event.timer === 'upgrade'
        ? migrate(context, state, 'upgrade', betterCarriers(context, link.carrier))
        : null;
    default:
      return null;
  }
}

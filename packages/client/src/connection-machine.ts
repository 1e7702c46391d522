// The connection as one machine: what each event does in each state.
// Owns no clock, no randomness, no socket: they arrive with the event. Which links and timers a state needs is
// read off it by connection-needs.ts; the answer to a lost link stands in recovery.ts, the change from one
// link to the next in migration.ts. Rules: CLI-1 … CLI-6.
//
//   idle ──start──▶ racing ──hello──▶ open ◀──hello / next failed── migrating
//                   ▲    │             │ └──upgrade, renew, goaway────▲
//             timer │    │ all failed  │ failed
//                   waiting ◀──────────┘          stop, final error ──▶ closed

import { spreadMs } from './backoff.ts';
import type {
  Connection,
  ConnectionConfig,
  ConnectionEvent,
  In,
  LinkRef,
  Memory,
  Moment,
  Step,
} from './connection-types.ts';
import { migrate, renew, stepMigrating } from './migration.ts';
import { rungDelayMs } from './race.ts';
import {
  beginLink,
  type Context,
  connectNow,
  failRace,
  isAnswer,
  loseLink,
  openWith,
  settle,
  stay,
  to,
} from './recovery.ts';
import { betterCarriers } from './upgrade.ts';

/** Changes of channels or token within this time share one new link. */
const GATHER_MS = 50;
/** A wake does not restart a race that is younger. */
const FRESH_TRY_MS = 1_000;

export function initialConnection(memory: Partial<Memory> = {}): Connection {
  return {
    memory: {
      lastLink: 0,
      lastCarrier: null,
      attempt: 0,
      upgrades: 0,
      remembered: null,
      avoided: {},
      isBuffered: false,
      isOnline: true,
      hiddenAt: null,
      ...memory,
    },
    state: { name: 'idle' },
  };
}

/** Total: in every state every event has a defined next state. */
export function stepConnection(
  before: Connection,
  event: ConnectionEvent,
  moment: Moment,
  config: ConnectionConfig,
): Step {
  const context = { memory: remember(before.memory, event, moment), moment, config };
  const { state } = before;
  if (event.type === 'stop') {
    return to(context.memory, { name: 'closed', error: null, isFinal: false });
  }
  switch (state.name) {
    case 'idle':
    case 'closed':
      return event.type === 'start' || event.type === 'retry'
        ? connectNow(
            { ...context, memory: { ...context.memory, attempt: 0 } },
            { since: moment.now, isSlow: false, error: null },
          )
        : stay(context, state);
    case 'racing':
      return stepRacing(context, state, event);
    case 'waiting':
      return stepWaiting(context, state, event);
    case 'open':
      return stepOpen(context, state, event);
    case 'migrating':
      return stepMigrating(context, state, event);
  }
}

/** What an event says about the page, whatever the state. A changed network makes everything known of it void. */
function remember(memory: Memory, event: ConnectionEvent, { now }: Moment): Memory {
  switch (event.type) {
    case 'offline':
      return { ...memory, isOnline: false };
    case 'online':
      return memory.isOnline
        ? memory
        : {
            ...memory,
            isOnline: true,
            remembered: null,
            avoided: {},
            isBuffered: false,
            upgrades: 0,
          };
    case 'hidden':
      return { ...memory, hiddenAt: memory.hiddenAt ?? now };
    case 'wake':
    case 'retry':
      return { ...memory, hiddenAt: null };
    default:
      return memory;
  }
}

function stepRacing(context: Context, state: In<'racing'>, event: ConnectionEvent): Step {
  const { moment, memory } = context;
  switch (event.type) {
    case 'hello': {
      const winner = state.tries.find(({ number }) => number === event.link);
      if (winner === undefined) return stay(context, state);
      return openWith(context, { link: winner, tookMs: event.tookMs, since: moment.now });
    }
    case 'failed':
      return failTry(context, state, event);
    case 'goaway': {
      const retryAt = moment.now + spreadMs(event.afterMs, event.spreadMs, moment.jitter);
      const { since, isSlow, error } = state;
      return to(memory, { name: 'waiting', since, isSlow, error, retryAt });
    }
    case 'due':
      if (event.timer === 'slow') return to(memory, { ...state, isSlow: true });
      return event.timer === 'rung' ? nextRung(context, state, state.tries) : stay(context, state);
    case 'wake':
    case 'online':
    case 'retry': {
      const newest = Math.max(...state.tries.map(({ begunAt }) => begunAt));
      return moment.now - newest < FRESH_TRY_MS ? stay(context, state) : connectNow(context, state);
    }
    default:
      return stay(context, state);
  }
}

function failTry(
  context: Context,
  state: In<'racing'>,
  event: Extract<ConnectionEvent, { type: 'failed' }>,
): Step {
  const tries = state.tries.filter(({ number }) => number !== event.link);
  if (tries.length === state.tries.length) return stay(context, state);
  if (isAnswer(event.error)) return settle(context, state, event.error);
  if (state.rungs.length > 0) return nextRung(context, { ...state, error: event.error }, tries);
  const [first, ...rest] = tries;
  return first === undefined
    ? failRace(context, state, event.error)
    : to(context.memory, { ...state, error: event.error, tries: [first, ...rest] });
}

function nextRung(context: Context, state: In<'racing'>, tries: readonly LinkRef[]): Step {
  const { memory, moment } = context;
  const [carrier, ...rungs] = state.rungs;
  if (carrier === undefined) return stay(context, state);
  const begun = beginLink(memory, carrier, moment.now);
  const nextRungAt = moment.now + rungDelayMs(carrier, rungs[0], { ...memory, ...moment });
  return to(begun.memory, { ...state, tries: [begun.link, ...tries], rungs, nextRungAt });
}

function stepWaiting(context: Context, state: In<'waiting'>, event: ConnectionEvent): Step {
  switch (event.type) {
    case 'online':
    case 'wake':
    case 'retry':
      return connectNow(context, state);
    case 'due':
      if (event.timer === 'slow') return to(context.memory, { ...state, isSlow: true });
      return event.timer === 'retry' ? connectNow(context, state) : stay(context, state);
    default:
      return stay(context, state);
  }
}

function stepOpen(context: Context, state: In<'open'>, event: ConnectionEvent): Step {
  const { moment, memory, config } = context;
  switch (event.type) {
    case 'failed':
      return event.link === state.link.number
        ? loseLink(context, state, event.error)
        : stay(context, state);
    case 'goaway': {
      if (event.link !== state.link.number) return stay(context, state);
      const renewAt = moment.now + spreadMs(event.afterMs, event.spreadMs, moment.jitter);
      return to(memory, { ...state, renewAt });
    }
    case 'renew':
      return to(memory, {
        ...state,
        renewAt: Math.min(state.renewAt ?? Infinity, moment.now + GATHER_MS),
      });
    case 'wake':
    case 'online':
    case 'retry':
      return to(memory, state, [{ type: 'probe', link: state.link.number }]);
    case 'due': {
      if (event.timer === 'renew') return renew(context, state);
      if (event.timer !== 'upgrade') return stay(context, state);
      const better = betterCarriers(
        config.carriers,
        state.link.carrier,
        memory.avoided,
        moment.now,
      );
      return migrate(context, state, 'upgrade', better);
    }
    default:
      return stay(context, state);
  }
}

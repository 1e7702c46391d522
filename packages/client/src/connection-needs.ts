// What a connection needs from its shell, read off its state: the links and the timers there should be.
// The shell opens and closes, arms and cancels until the world agrees; nothing else does. Rules: CLI-1, CLI-6.

import type {
  Connection,
  ConnectionState,
  LinkRef,
  Outage,
  TimerName,
} from './connection-types.ts';

/** A page that nobody has seen for so long makes no attempts. */
const PAUSE_HIDDEN_MS = 5 * 60_000;
const SLOW_AFTER_MS = 5_000;
/** How long a new link's `hello` may take once the server has closed the old one for it. */
const HAND_OVER_MS = 700;
/** How long the first try of a renewal may take: it may have gone out on a pooled connection that is dead. */
const RENEW_MS = 1_500;

export interface TimerNeed {
  readonly timer: TimerName;
  readonly at: number;
}

export function linksOf(state: ConnectionState): readonly LinkRef[] {
  switch (state.name) {
    case 'idle':
    case 'waiting':
    case 'closed':
      return [];
    case 'racing':
      return state.tries;
    case 'open':
      return [state.link];
    case 'migrating':
      return state.goneAt === null ? [state.from.link, state.next] : [state.next];
  }
}

/** The link whose frames count: after a migration's `hello` that is the new one alone. */
export function currentLink(state: ConnectionState): LinkRef | null {
  if (state.name === 'migrating') return state.from.link;
  return state.name === 'open' ? state.link : null;
}

export function timersOf(connection: Connection): readonly TimerNeed[] {
  const { state } = connection;
  switch (state.name) {
    case 'idle':
    case 'closed':
      return [];
    case 'racing':
      return [
        ...need('rung', state.rungs.length > 0 ? state.nextRungAt : null),
        ...needSlow(state.outage),
      ];
    case 'waiting':
      return [...need('retry', retryAt(connection)), ...needSlow(state.outage)];
    case 'open':
      return [...need('upgrade', state.upgradeAt), ...need('renew', state.renewAt)];
    case 'migrating': {
      const { goneAt, cause, rungs, next } = state;
      if (goneAt !== null) return need('rung', goneAt + HAND_OVER_MS);
      return need('rung', cause === 'renew' && rungs.length > 0 ? next.begunAt + RENEW_MS : null);
    }
  }
}

/** When the next attempt begins; null while none is planned or the page is offline or long hidden. */
export function retryAt({ state, memory }: Connection): number | null {
  if (state.name !== 'waiting' || !memory.isOnline) return null;
  const pauseAt = (memory.hiddenAt ?? Infinity) + PAUSE_HIDDEN_MS;
  return state.retryAt < pauseAt ? state.retryAt : null;
}

function needSlow({ isSlow, since }: Outage): readonly TimerNeed[] {
  return need('slow', isSlow ? null : since + SLOW_AFTER_MS);
}

function need(timer: TimerName, at: number | null): readonly TimerNeed[] {
  return at === null ? [] : [{ timer, at }];
}

// What a connection needs from its shell, read off its state: the links and the timers there should be.
// The shell opens and closes, arms and cancels until the world agrees; nothing else does. Rules: CLI-1, CLI-6.

import type { Connection, ConnectionState, LinkRef, TimerName } from './connection-types.ts';

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
      return state.goneAt === null ? [state.link, state.next] : [state.next];
  }
}

/** The link whose frames count: after a migration's `hello` that is the new one alone. */
export function currentLink(state: ConnectionState): LinkRef | null {
  return state.name === 'open' || state.name === 'migrating' ? state.link : null;
}

export function timersOf({ state, memory }: Connection): readonly TimerNeed[] {
  switch (state.name) {
    case 'idle':
    case 'closed':
      return [];
    case 'migrating':
      if (state.goneAt !== null) return need('rung', state.goneAt + HAND_OVER_MS);
      return need(
        'rung',
        state.cause === 'renew' && state.rungs.length > 0 ? state.next.begunAt + RENEW_MS : null,
      );
    case 'racing':
      return [
        ...need('rung', state.rungs.length > 0 ? state.nextRungAt : null),
        ...need('slow', state.isSlow ? null : state.since + SLOW_AFTER_MS),
      ];
    case 'waiting':
      return [
        ...need('retry', retryAt({ state, memory })),
        ...need('slow', state.isSlow ? null : state.since + SLOW_AFTER_MS),
      ];
    case 'open':
      return [...need('upgrade', state.upgradeAt), ...need('renew', state.renewAt)];
  }
}

/** When the next attempt begins; null while none is planned or the page is offline or long hidden. */
export function retryAt({ state, memory }: Connection): number | null {
  if (state.name !== 'waiting' || !memory.isOnline) return null;
  const pauseAt =
    memory.hiddenAt === null ? Number.POSITIVE_INFINITY : memory.hiddenAt + PAUSE_HIDDEN_MS;
  return state.retryAt < pauseAt ? state.retryAt : null;
}

function need(timer: TimerName, at: number | null): readonly TimerNeed[] {
  return at === null ? [] : [{ timer, at }];
}

// When better carriers are tried again in the background, and what a person is told meanwhile. Rule: CLI-5.

import type { Context, Setback } from './connection-types.ts';
import { isAvoided } from './race.ts';
import type { Carrier } from './transports/transport.ts';

const SCHEDULE_MS = [5_000, 30_000, 120_000];
const LAST_MS = 600_000;

/** @param tries how many times it was tried since the network was new */
export function upgradeDelayMs(tries: number): number {
  return SCHEDULE_MS[tries] ?? LAST_MS;
}

/** Carriers better than `current`, best first, without those that let a link down lately. */
export function betterCarriers(context: Context, current: Carrier): readonly Carrier[] {
  return better(context.carriers, current).filter((carrier) => !isAvoided(context, carrier));
}

const NAMES: Readonly<Record<Carrier, string>> = {
  websocket: 'WebSocket',
  sse: 'server-sent events',
  poll: 'polling',
};

const SETBACKS: Readonly<Record<Setback, string>> = {
  buffered: 'A proxy holds back the stream',
  crowded: 'Other tabs hold all streams',
};

/** Why the link is not on the best carrier, in a sentence for people; null when it is. */
export function describeDowngrade(
  carriers: readonly Carrier[],
  current: Carrier,
  setback: Setback | null,
): string | null {
  const names = better(carriers, current).map((carrier) => NAMES[carrier]);
  if (names.length === 0) return null;
  const blocked = `${names.join(' and ')} ${names.length > 1 ? 'are' : 'is'} blocked here`;
  const instead = current === 'poll' ? 'polling instead' : `using ${NAMES[current]}`;
  return `${setback === null ? blocked : SETBACKS[setback]}; ${instead}`;
}

function better(carriers: readonly Carrier[], current: Carrier): readonly Carrier[] {
  return carriers.slice(0, carriers.indexOf(current));
}

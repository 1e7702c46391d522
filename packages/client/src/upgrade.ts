// When better carriers are tried again in the background, and what a person is told meanwhile. Rule: CLI-5.

import { type Avoided, isAvoided } from './race.ts';
import type { Carrier } from './transports/transport.ts';

const SCHEDULE_MS = [5_000, 30_000, 120_000, 600_000] as const;

/** @param tries how many times it was tried since the network was new */
export function upgradeDelayMs(tries: number): number {
  return SCHEDULE_MS[Math.min(tries, SCHEDULE_MS.length - 1)] ?? SCHEDULE_MS[3];
}

/** Carriers better than `current`, best first, without those that let a link down lately. */
export function betterCarriers(
  carriers: readonly Carrier[],
  current: Carrier,
  avoided: Avoided,
  now: number,
): readonly Carrier[] {
  return carriers
    .slice(0, Math.max(0, carriers.indexOf(current)))
    .filter((carrier) => !isAvoided(avoided, carrier, now));
}

const NAMES: Readonly<Record<Carrier, string>> = {
  websocket: 'WebSocket',
  sse: 'server-sent events',
  poll: 'polling',
};

/** Why the link is not on the best carrier, in a sentence for people; null when it is. */
export function describeDowngrade(
  carriers: readonly Carrier[],
  current: Carrier,
  isBuffered: boolean,
): string | null {
  const better = carriers.slice(0, Math.max(0, carriers.indexOf(current)));
  if (better.length === 0) return null;
  const instead = current === 'poll' ? 'polling instead' : `using ${NAMES[current]}`;
  if (isBuffered) return `A proxy holds back the stream; ${instead}`;
  const blocked = better.map((carrier) => NAMES[carrier]).join(' and ');
  return `${blocked} ${better.length > 1 ? 'are' : 'is'} blocked here; ${instead}`;
}

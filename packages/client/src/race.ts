// The order in which carriers are tried and when the next one starts. Rules: CLI-2, CLI-3.
//
//   nothing remembered:   websocket ──────────────────▶
//                         │ max(700, 4 × RTT)  sse ─────────────▶
//                         │                    │ 600  poll ──────────▶    the first hello wins
//   sse remembered:       sse ─────────▶
//                         │ 2 × usual + 1 s    websocket, then poll as above

import type { Carrier } from './transports/transport.ts';

/** The carrier that won last time on this origin, and what it needed until its `hello`. */
export interface Remembered {
  readonly carrier: Carrier;
  readonly usualMs: number;
  /** When it won, ms since 1970. */
  readonly at: number;
}

/** Carriers not to be tried before a time (ms since 1970), because they let a link down. */
export type Avoided = Readonly<Partial<Record<Carrier, number>>>;

export interface Plan {
  readonly first: Carrier;
  /** Avoided ones last: where nothing else gets through, one that let a link down is better than none. */
  readonly rungs: readonly Carrier[];
  /** When the second one starts, if the first has neither failed nor won by then. */
  readonly delayMs: number;
}

const REMEMBER_MS = 30 * 60_000;
const FIRST_DELAY_MS = 700;
const NEXT_DELAY_MS = 600;
/** What the others get before an avoided carrier: its `connect` would make the server let theirs go. */
const LAST_RESORT_MS = 2_000;

export interface RaceInput {
  readonly carriers: readonly [Carrier, ...Carrier[]];
  readonly remembered: Remembered | null;
  readonly avoided: Avoided;
  readonly roundTripMs: number | null;
  readonly now: number;
}

export function planRace(input: RaceInput): Plan {
  const { carriers, remembered, avoided, now } = input;
  const usable = carriers.filter((carrier) => !isAvoided(avoided, carrier, now));
  // With all of them avoided none is better than another.
  const all = usable.length > 0 ? usable : carriers;
  const known =
    remembered !== null && isFresh(remembered, now) && all.includes(remembered.carrier)
      ? remembered
      : null;
  const first = known?.carrier ?? all[0] ?? carriers[0];
  const lastResort = carriers.filter((carrier) => !all.includes(carrier));
  const rungs = [...all.filter((carrier) => carrier !== first), ...lastResort];
  const delayMs = known === null ? rungDelayMs(first, rungs[0], input) : 2 * known.usualMs + 1_000;
  return { first, rungs, delayMs };
}

/** What a carrier gets before `next` starts beside it. */
export function rungDelayMs(
  carrier: Carrier,
  next: Carrier | undefined,
  { roundTripMs, avoided, now }: Pick<RaceInput, 'roundTripMs' | 'avoided' | 'now'>,
): number {
  if (next !== undefined && isAvoided(avoided, next, now)) return LAST_RESORT_MS;
  return carrier === 'websocket' ? Math.max(FIRST_DELAY_MS, 4 * (roundTripMs ?? 0)) : NEXT_DELAY_MS;
}

export function isAvoided(avoided: Avoided, carrier: Carrier, now: number): boolean {
  return (avoided[carrier] ?? 0) > now;
}

function isFresh({ at }: Remembered, now: number): boolean {
  return now - at < REMEMBER_MS;
}

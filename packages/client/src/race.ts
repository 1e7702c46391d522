// The order in which carriers are tried and when the next one starts. Rules: CLI-2, CLI-3.
//
//   nothing remembered:   websocket ──────────────────▶
//                         │ max(700, 4 × RTT)  sse ─────────────▶
//                         │                    │ 600  poll ──────────▶    the first hello wins
//   sse remembered:       sse ─────────▶
//                         │ 2 × usual + 1 s    websocket, then poll as above

import type { Context } from './connection-types.ts';
import type { Carrier } from './transports/transport.ts';

export interface Plan {
  /** Avoided ones last: where nothing else gets through, one that let a link down is better than none. */
  readonly order: readonly [Carrier, ...Carrier[]];
  /** When the second one starts, if the first has neither failed nor won by then; undefined: as always. */
  readonly delayMs: number | undefined;
}

const REMEMBER_MS = 30 * 60_000;
const FIRST_DELAY_MS = 700;
const NEXT_DELAY_MS = 600;
/** What the others get before an avoided carrier: its `connect` would make the server let theirs go. */
const LAST_RESORT_MS = 2_000;

export function planRace(context: Context): Plan {
  const { carriers, memory, now } = context;
  const usable = carriers.filter((carrier) => !isAvoided(context, carrier));
  // With all of them avoided none is better than another.
  const [best = carriers[0], ...others] = usable.length > 0 ? usable : carriers;
  const known = memory.remembered;
  const isKnown =
    known !== null && now - known.at < REMEMBER_MS && [best, ...others].includes(known.carrier);
  const first = isKnown ? known.carrier : best;
  // A set keeps each where it stands first.
  const [, ...rungs] = new Set([first, best, ...others, ...carriers]);
  return { order: [first, ...rungs], delayMs: isKnown ? 2 * known.usualMs + 1_000 : undefined };
}

/** What a carrier gets before `next` starts beside it. */
export function rungDelayMs(context: Context, carrier: Carrier, next: Carrier | undefined): number {
  if (next !== undefined && isAvoided(context, next)) return LAST_RESORT_MS;
  return carrier === 'websocket'
    ? Math.max(FIRST_DELAY_MS, 4 * (context.roundTripMs ?? 0))
    : NEXT_DELAY_MS;
}

export function isAvoided(
  { memory, now }: Pick<Context, 'memory' | 'now'>,
  carrier: Carrier,
): boolean {
  return (memory.avoided[carrier] ?? 0) > now;
}

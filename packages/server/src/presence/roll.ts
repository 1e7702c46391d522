// Whether anybody is still at the other end of a link, by how long nothing has come from it. Pure; the turns come from
// outside. Rule: PRES-12.
//
//   heard ──turns pass──▶ called ──more turns pass──▶ away      (and back with whatever is heard)

/** How one carrier's roll is called: turns of so long, and after how many silent ones it is called, and given up. */
export interface RollPace {
  readonly everyMs: number;
  readonly callAfter: number;
  readonly awayAfter: number;
}

/**
 * WebSocket: called after 10 to 20 s of silence, answered in 10 s. An answer over SSE is another link, whose timers may
 * come once a minute in a hidden tab: called after 40 to 60 s, answered in 80 s. A poll shows itself by each request.
 */
export const ROLL_PACES: Readonly<Record<string, RollPace>> = {
  websocket: { everyMs: 10_000, callAfter: 2, awayAfter: 3 },
  sse: { everyMs: 20_000, callAfter: 3, awayAfter: 7 },
};

export type RollStep = 'call' | 'give-up' | null;

/** What to do at a turn. @param silent turns without a word, this one included */
export function stepRoll(silent: number, { callAfter, awayAfter }: RollPace): RollStep {
  if (silent === callAfter) return 'call';
  return silent === awayAfter ? 'give-up' : null;
}

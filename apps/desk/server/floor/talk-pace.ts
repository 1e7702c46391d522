// When each agent speaks by itself: about every `everyMs`, two to four thirds of it, so that five agents
// neither speak in chorus nor fall silent. One that has traded may speak at the early end.
// Pure: the clock and the dice come in.

export interface TalkPace {
  /** The agents whose turn has come; each gets its next turn at once. */
  due(nowMs: number): readonly string[];
  /** Something happened to the agent: its next turn comes as early as its pace allows. */
  hurry(agentId: string): void;
  /** When `due` should be asked again. */
  nextAt(): number;
}

interface Turn {
  earliest: number;
  at: number;
}

/** How far apart the first words come, so that a newcomer sees somebody talk within seconds. */
const FIRST_MS = 800;
/** A pace that fell behind further than this (a slow machine, a sleep) does not catch up by a burst. */
const MAX_BEHIND_MS = 1_000;

export function createTalkPace(
  agentIds: readonly string[],
  options: { readonly everyMs: number; readonly nowMs: number; readonly random: () => number },
): TalkPace {
  const { everyMs, nowMs, random } = options;
  const turns = new Map<string, Turn>();
  for (const [n, agentId] of agentIds.entries()) {
    const at = nowMs + Math.min((n + 1) * FIRST_MS, everyMs * (n / agentIds.length + 0.1));
    turns.set(agentId, { earliest: at, at });
  }
  return {
    due(now) {
      const due: string[] = [];
      for (const [agentId, turn] of turns) {
        if (turn.at > now) continue;
        due.push(agentId);
        // From the turn, not from now: else every late timer would slow the pace a little.
        const from = Math.max(turn.at, now - MAX_BEHIND_MS);
        const earliest = from + (everyMs * 2) / 3;
        turns.set(agentId, { earliest, at: earliest + (random() * everyMs * 2) / 3 });
      }
      return due;
    },
    hurry(agentId) {
      const turn = turns.get(agentId);
      if (turn !== undefined) turn.at = turn.earliest;
    },
    nextAt: () => Math.min(...[...turns.values()].map((turn) => turn.at)),
  };
}

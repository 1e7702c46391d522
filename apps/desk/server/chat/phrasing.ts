// Seam: who puts into words what an agent holds and did. The built-in phrasing is one; a language model may be another.
//
// Contract: `write` gives `count` drafts at most, newest thought last, each 1 to 8,000 characters, made of nothing
// but the briefing. It may take its time, be late or reject: the caller waits only so long, then aborts `signal`
// and lets the built-in phrasing write instead. It must stop its work when the signal aborts.

import type { AgentMessage } from '@millrace/protocol/channels';
import type { SymbolQuote } from '../market/quote.ts';
import type { AgentStanding } from '../market/report.ts';

export interface Briefing {
  readonly agentId: string;
  readonly name: string;
  readonly count: number;
  readonly standing: AgentStanding;
  readonly quotes: readonly SymbolQuote[];
  /** The market's time, ISO 8601 UTC. */
  readonly time: string;
}

export interface Draft {
  readonly type: AgentMessage['type'];
  readonly content: string;
}

export interface Phrasing {
  /** For logs: `built-in`, or the model's name. */
  readonly name: string;
  write(briefing: Briefing, signal: AbortSignal): Promise<readonly Draft[]>;
}

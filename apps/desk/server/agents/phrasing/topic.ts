// A topic: one true thing an agent could say now, in several wordings. Writers offer topics; which
// are said, and in which words, is chosen in phrasing.ts.
import type { SymbolQuote } from '../../market/quote.ts';
import type { AgentStanding } from '../../market/report.ts';
import type { Trade } from './trades.ts';

export type MessageType = 'analysis' | 'trade' | 'opinion';

export interface Topic {
  readonly name: string;
  readonly type: MessageType;
  /** How much it wants to be said; 1 is usual, 3 is news. */
  readonly weight: number;
  readonly texts: readonly [string, ...string[]];
}

export interface Situation {
  readonly standing: AgentStanding;
  readonly quotes: readonly SymbolQuote[];
  /** The tick and market time that the figures are of. */
  readonly tick: number;
  readonly time: string;
  /** The agent's own orders that traded, newest last. */
  readonly trades: readonly Trade[];
}

export function topic(
  type: MessageType,
  name: string,
  texts: readonly [string, ...string[]],
  weight = 1,
): Topic {
  return { type, name, texts, weight };
}

// The five agents of the demo: who they are on screen, and which strategy each runs.
// Ids, names and colours are given (spec A9) and kept exactly; black is made legible on a dark
// background by the page, not here.
import type { StrategyKind } from './strategies/registry.ts';

export interface Agent {
  readonly id: string;
  readonly name: string;
  /** `#RRGGBB`. */
  readonly color: string;
  readonly strategy: StrategyKind;
}

export const AGENTS: readonly Agent[] = [
  { id: 'claude_arbitrage', name: 'Claude Arbitrage', color: '#A0826D', strategy: 'arbitrage' },
  { id: 'chatgpt_openai', name: 'GPT-4 Momentum', color: '#C9B1E0', strategy: 'momentum' },
  { id: 'gemini_grid', name: 'Gemini Grid', color: '#9CAF88', strategy: 'grid' },
  { id: 'deepseek_ml', name: 'DeepSeek ML', color: '#1E90FF', strategy: 'learned' },
  { id: 'buy_and_hold', name: 'Buy & Hold', color: '#000000', strategy: 'hold' },
];

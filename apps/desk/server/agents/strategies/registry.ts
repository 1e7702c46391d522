// The strategies by name: what a market is given, and what a model may choose from.
import type { StrategyFactory } from '../../market/strategy.ts';
import { arbitrage } from './arbitrage.ts';
import { grid } from './grid.ts';
import { hold } from './hold.ts';
import { learned } from './learned.ts';
import { momentum } from './momentum.ts';

export const STRATEGY_KINDS = ['arbitrage', 'momentum', 'grid', 'learned', 'hold'] as const;
export type StrategyKind = (typeof STRATEGY_KINDS)[number];

export const STRATEGIES: Readonly<Record<StrategyKind, StrategyFactory>> = {
  arbitrage: arbitrage(),
  momentum: momentum(),
  grid: grid(),
  learned: learned(),
  hold: hold(),
};

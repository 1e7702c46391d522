// What strategies are called on the page.

import type { StrategyName } from '../../../shared/trading.ts';

export const STRATEGIES: Readonly<Record<StrategyName, string>> = {
  momentum: 'Momentum',
  grid: 'Grid',
  arbitrage: 'Arbitrage',
  learned: 'Learned',
  hold: 'Buy and hold',
};

/** In the order in which they are offered. */
export const STRATEGY_NAMES: readonly StrategyName[] = [
  'momentum',
  'grid',
  'arbitrage',
  'learned',
  'hold',
];

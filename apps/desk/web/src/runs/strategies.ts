// What strategies are called on the page.

import type { StrategyName } from '../../../shared/trading.ts';

export const STRATEGIES: Readonly<Record<StrategyName, string>> = {
  momentum: 'Momentum',
  grid: 'Grid',
  arbitrage: 'Arbitrage',
  learned: 'Learned',
  hold: 'Buy and hold',
};

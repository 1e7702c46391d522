// The agents as the page introduces them: who they are, and their strategy in one sentence.

import type { AgentInfo } from '../../shared/api.ts';
import { AGENTS } from '../agents/agents.ts';
import type { StrategyKind } from '../agents/strategies/registry.ts';
import { toDollars } from '../market/money.ts';
import type { AgentStanding } from '../market/report.ts';

const DESCRIPTIONS: Readonly<Record<StrategyKind, string>> = {
  arbitrage: 'Buys at one venue what it can sell dearer at the other in the same moment.',
  momentum: 'Rides what rises faster than usual, and leaves when it fades or falls from its peak.',
  grid: 'Lays buy and sell orders at even steps around the price of what goes sideways.',
  learned: 'Trains a small model on every tick and trades when its forecast pays the costs.',
  hold: 'Buys a bit of everything once, and keeps it.',
};

export function describeAgents(standings: readonly AgentStanding[]): AgentInfo[] {
  const startOf = new Map(standings.map((one) => [one.agentId, one.startingCash]));
  return AGENTS.map(({ id, name, color, strategy }) => ({
    ...{ id, name, color },
    description: DESCRIPTIONS[strategy],
    startingCash: toDollars(startOf.get(id) ?? 0),
  }));
}

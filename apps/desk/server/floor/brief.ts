// What an agent knows when it writes. Pure.

import { AGENTS } from '../agents/agents.ts';
import type { Briefing } from '../chat/phrasing.ts';
import type { Market } from '../market/market.ts';
import type { AgentStanding } from '../market/report.ts';

export function briefOf(market: Market, standing: AgentStanding, count: number): Briefing {
  const { agentId } = standing;
  const name = AGENTS.find(({ id }) => id === agentId)?.name ?? agentId;
  return { agentId, name, count, standing, quotes: market.quotes(), time: market.clock().time };
}

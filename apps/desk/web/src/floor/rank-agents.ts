// Agents with their accounts, the richest first.

import type { AgentInfo } from '../../../shared/api.ts';
import type { AccountPoint } from '../../../shared/market-events.ts';

export interface RankedAgent {
  readonly agent: AgentInfo;
  readonly account: AccountPoint;
}

/** Agents without an account yet are left out; equal ones keep the order of `agents`. */
export function rankAgents(
  agents: readonly AgentInfo[],
  accounts: readonly AccountPoint[],
): RankedAgent[] {
  const accountOf = new Map(accounts.map((account) => [account.agentId, account]));
  return agents
    .flatMap((agent) => {
      const account = accountOf.get(agent.id);
      return account === undefined ? [] : [{ agent, account }];
    })
    .sort((a, b) => b.account.equity - a.account.equity);
}

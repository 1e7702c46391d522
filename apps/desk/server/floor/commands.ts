// What people ask of the market, and a tick played with it. The market stays deterministic because each command holds
// from a tick that was written down before that tick was played (market-store.ts): whoever plays it again, a follower
// or the successor of a leader that died, plays the same commands at the same ticks.
//
//   asked (no tick) ──leader, before tick T──▶ assigned to T ──carried out, then tick T──▶ told ──▶ kept
//
// Pure. A command that does not fit the market is skipped, everywhere alike: a thrown one would stop the pulse.

import * as z from 'zod';
import { AGENTS } from '../agents/agents.ts';
import { STRATEGY_KINDS } from '../agents/strategies/registry.ts';
import type { Market } from '../market/market.ts';
import type { AgentStanding, TickReport } from '../market/report.ts';
import { tradingRuleSchema } from '../market/rule.ts';

const agentId = z.string().min(1).max(100);
const rules = z.array(tradingRuleSchema).max(100);

export const marketCommandSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('add-agent'),
    agentId,
    strategy: z.enum(STRATEGY_KINDS),
    /** In units of the market's money. */
    cash: z.int().positive(),
    rules,
  }),
  z.object({ kind: z.literal('close-agent'), agentId }),
  z.object({ kind: z.literal('set-rules'), agentId, rules }),
]);

/** An agent of a person's model is a run of it, and has the run's id. */
export type MarketCommand = z.output<typeof marketCommandSchema>;

export interface AssignedCommand {
  /** Carried out before this tick; those of one tick in their order. */
  readonly tick: number;
  readonly command: MarketCommand;
}

/** An agent as it stood when it was closed. */
export interface EndedAgent {
  readonly standing: AgentStanding;
  readonly tick: number;
  readonly time: string;
}

export interface PlayedTick {
  readonly report: TickReport;
  readonly ended: readonly EndedAgent[];
}

/** @param commands may hold those of other ticks as well: only its own are carried out */
export function playTick(market: Market, commands: readonly AssignedCommand[]): PlayedTick {
  const { tick, time } = market.clock();
  const closed: AgentStanding[] = [];
  for (const one of commands) {
    if (one.tick !== tick + 1) continue;
    const standing = carryOut(market, one.command);
    if (standing !== null) closed.push(standing);
  }
  const report = market.tick();
  // Before the first tick there is no time: then it is that of the first.
  return {
    report,
    ended: closed.map((standing) => ({ standing, tick, time: time || report.time })),
  };
}

/** How a closed agent stood; null for every other command. */
function carryOut(market: Market, command: MarketCommand): AgentStanding | null {
  const isThere = market.standing(command.agentId) !== undefined;
  switch (command.kind) {
    case 'add-agent':
      if (!isThere) market.addAgent({ ...command, id: command.agentId });
      return null;
    case 'close-agent':
      return isThere && !isOfFloor(command.agentId) ? market.retireAgent(command.agentId) : null;
    case 'set-rules':
      if (isThere) market.setRules(command.agentId, command.rules);
      return null;
  }
}

const FLOOR: ReadonlySet<string> = new Set(AGENTS.map(({ id }) => id));

/** Whether it is one of the five whom everybody may watch. */
export function isOfFloor(id: string): boolean {
  return FLOOR.has(id);
}

/** What of a tick is everybody's: the market's, and what the five did. */
export function publicPart(report: TickReport): TickReport {
  const ofFloor = (one: { readonly agentId: string }): boolean => isOfFloor(one.agentId);
  return {
    ...report,
    fills: report.fills.filter(ofFloor),
    refused: report.refused.filter(ofFloor),
    equity: report.equity.filter(ofFloor),
  };
}

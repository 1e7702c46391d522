// One agent of the market as plain JSON, its schema, and the small bookkeeping on it.
// Refuses to own: the account (exchange) and the strategy's inner state (an opaque value here).
import { z } from 'zod';
import type { Account } from './account.ts';
import { orderRequestSchema } from './exchange-state.ts';
import { VENUES } from './instrument.ts';
import type { Money } from './money.ts';
import type { Fill, RefusedOrder, Side } from './order.ts';
import type { Reasoning } from './reasoning.ts';
import type { DecisionRecord, Tally } from './report.ts';
import { type TradingRule, tradingRuleSchema } from './rule.ts';

const RECENT = 24;
/** A refused symbol and side is left alone for this share of a day. */
const BLOCK_DAYS = 0.05;

export type AgentState = {
  readonly id: string;
  readonly strategy: string;
  isOpen: boolean;
  rules: TradingRule[];
  equityAtOpen: Money;
  stopped: string[];
  /** `SYMBOL:side` → tick until which it is not tried again. */
  blocked: Record<string, number>;
  tally: Tally;
  recentFills: Fill[];
  recentRefused: RefusedOrder[];
  /** What the strategy has not been shown yet. */
  newFills: Fill[];
  newRefused: RefusedOrder[];
  lastDecision: DecisionRecord | null;
  lastAction: DecisionRecord | null;
};

export function firstAgentState(id: string, strategy: string, cash: Money): AgentState {
  return {
    id,
    strategy,
    isOpen: true,
    rules: [],
    equityAtOpen: cash,
    stopped: [],
    blocked: {},
    tally: {
      orders: 0,
      fills: 0,
      closings: 0,
      wins: 0,
      fillsToday: 0,
      realisedToday: 0,
      feesToday: 0,
      refusedToday: 0,
    },
    recentFills: [],
    recentRefused: [],
    newFills: [],
    newRefused: [],
    lastDecision: null,
    lastAction: null,
  };
}

export function noteFill(agent: AgentState, fill: Fill): void {
  agent.newFills.push(fill);
  agent.recentFills = [...agent.recentFills, fill].slice(-RECENT);
  agent.tally.fills += 1;
  agent.tally.fillsToday += 1;
  agent.tally.realisedToday += fill.realised;
  agent.tally.feesToday += fill.fee;
  if (fill.side === 'sell') {
    agent.tally.closings += 1;
    if (fill.realised > 0) agent.tally.wins += 1;
  }
}

export function noteRefusal(agent: AgentState, refusal: RefusedOrder, ticksPerDay: number): void {
  const { symbol, side } = refusal.request;
  const wait = Math.max(1, Math.round(ticksPerDay * BLOCK_DAYS));
  agent.blocked[blockKey(symbol, side)] = refusal.tick + wait;
  agent.newRefused.push(refusal);
  agent.recentRefused = [...agent.recentRefused, refusal].slice(-RECENT);
  agent.tally.refusedToday += 1;
}

export function isBlocked(agent: AgentState, symbol: string, side: Side, tick: number): boolean {
  return (agent.blocked[blockKey(symbol, side)] ?? 0) > tick;
}

/** A new day: its counts begin at nothing, and what a stop loss sold may be bought again. */
export function openDay(agent: AgentState, account: Account, equity: Money): void {
  account.tradesToday = 0;
  agent.equityAtOpen = equity;
  agent.stopped = [];
  agent.blocked = {};
  const today = { fillsToday: 0, realisedToday: 0, feesToday: 0, refusedToday: 0 };
  agent.tally = { ...agent.tally, ...today };
}

function blockKey(symbol: string, side: Side): string {
  return `${symbol}:${side}`;
}

const REASONING_KINDS: ReadonlySet<unknown> = new Set<Reasoning['kind']>([
  'arbitrage',
  'momentum',
  'grid',
  'learned',
  'hold',
  'stop_loss',
]);

/** Told by its kind: a record is only shown again, never computed with. */
const reasoning = z.custom<Reasoning>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    REASONING_KINDS.has(value.kind),
);

const decision: z.ZodType<DecisionRecord> = z.object({
  id: z.int().nullable(),
  agentId: z.string(),
  tick: z.int(),
  time: z.string(),
  orders: z.int(),
  cancels: z.int(),
  reasoning,
});

const fill: z.ZodType<Fill> = z.object({
  id: z.int(),
  orderId: z.int(),
  decisionId: z.int(),
  agentId: z.string(),
  tick: z.int(),
  time: z.string(),
  symbol: z.string(),
  venue: z.enum(VENUES),
  side: z.enum(['buy', 'sell']),
  price: z.int(),
  quantity: z.int(),
  notional: z.int(),
  fee: z.int(),
  realised: z.int(),
  liquidity: z.enum(['taker', 'maker']),
  counterparty: z.string(),
  tag: z.string(),
});

const refused: z.ZodType<RefusedOrder> = z.object({
  decisionId: z.int(),
  agentId: z.string(),
  tick: z.int(),
  time: z.string(),
  request: orderRequestSchema,
  ruleId: z.string(),
  reason: z.string(),
});

const tally: z.ZodType<Tally> = z.object({
  orders: z.int(),
  fills: z.int(),
  closings: z.int(),
  wins: z.int(),
  fillsToday: z.int(),
  realisedToday: z.int(),
  feesToday: z.int(),
  refusedToday: z.int(),
});

export const agentStateSchema: z.ZodType<AgentState> = z.object({
  id: z.string(),
  strategy: z.string(),
  isOpen: z.boolean(),
  rules: z.array(tradingRuleSchema),
  equityAtOpen: z.int(),
  stopped: z.array(z.string()),
  blocked: z.record(z.string(), z.int()),
  tally,
  recentFills: z.array(fill),
  recentRefused: z.array(refused),
  newFills: z.array(fill),
  newRefused: z.array(refused),
  lastDecision: decision.nullable(),
  lastAction: decision.nullable(),
});

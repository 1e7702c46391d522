// The whole market as plain JSON, and the check on what storage gives back.
// What prices and strategies put in is opaque here; their own factories check it.
import { z } from 'zod';
import { type AgentState, agentStateSchema } from './agent-state.ts';
import { type BackgroundState, backgroundStateSchema } from './background.ts';
import { type ExchangeState, exchangeStateSchema } from './exchange-state.ts';
import type { FeeSchedule } from './fees.ts';
import { misuse } from './misuse.ts';
import { type DayFigures, dayFiguresSchema } from './ticker.ts';

export type MarketSnapshot = {
  format: 1;
  tick: number;
  time: string;
  isOver: boolean;
  nextDecisionId: number;
  fees: FeeSchedule;
  prices: unknown;
  exchange: ExchangeState;
  background: BackgroundState;
  days: DayFigures[];
  agents: AgentState[];
  /** One per agent, in the same order. */
  strategies: unknown[];
};

const marketSnapshotSchema: z.ZodType<MarketSnapshot> = z.object({
  format: z.literal(1),
  tick: z.int().min(0),
  time: z.string(),
  isOver: z.boolean(),
  nextDecisionId: z.int().min(1),
  fees: z.object({ takerBps: z.number(), makerBps: z.number() }),
  prices: z.unknown(),
  exchange: exchangeStateSchema,
  background: backgroundStateSchema,
  days: z.array(dayFiguresSchema),
  agents: z.array(agentStateSchema),
  strategies: z.array(z.unknown()),
});

/** The snapshot, as a copy; throws `request/invalid` and says where it doesn't fit. */
export function parseMarketSnapshot(value: unknown): MarketSnapshot {
  const parsed = marketSnapshotSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const first = parsed.error.issues[0];
  const place = first?.path.join('.') ?? '';
  throw misuse(`This is not a market snapshot (${place}: ${first?.message ?? 'unreadable'}).`);
}

// What the tools give besides their text: the shapes, as schemas, so that whoever gets them back as JSON can be sure.
// Money is dollars, shares of something are percent, times are ISO 8601 UTC; null is a figure that does not exist.
import * as z from 'zod';
import { tradingRuleSchema } from '../market/rule.ts';

const figure = z.number().nullable();
const count = z.int().min(0);

export const runHeadSchema = z.object({
  id: z.string(),
  modelId: z.string(),
  model: z.string(),
  strategy: z.string(),
  number: count,
  status: z.enum(['running', 'completed']),
  from: z.string(),
  to: z.string(),
  startingCash: z.number(),
  cash: z.number(),
  equity: z.number(),
  /** equity - startingCash = realised + unrealised - fees. */
  profit: z.number(),
  realised: z.number(),
  unrealised: z.number(),
  fees: z.number(),
  returnPercent: figure,
  fills: count,
  /** In force, as a person would say them. */
  rules: z.array(z.string()),
  /** Says so where only the newest part of the run was read. */
  cut: z.string().nullable(),
});
export type RunHead = z.infer<typeof runHeadSchema>;

export const tradeLineSchema = z.object({
  /** `#123`: what a person is told. */
  id: z.string(),
  symbol: z.string(),
  direction: z.enum(['long', 'short']),
  quantity: count,
  entryPrice: z.number(),
  exitPrice: z.number(),
  openedAt: z.string().nullable(),
  closedAt: z.string(),
  heldMinutes: figure,
  /** After fees; in percent of what the shares cost. */
  profit: z.number(),
  profitPercent: figure,
  fees: z.number(),
  action: z.string(),
  /** Clauses after "because"; null where no reasoning is kept. */
  whyOpened: z.string().nullable(),
  whyClosed: z.string().nullable(),
});
export type TradeLine = z.infer<typeof tradeLineSchema>;

export const statisticsSchema = z.object({
  trades: count,
  wins: count,
  losses: count,
  flat: count,
  winRatePercent: figure,
  averageWin: figure,
  averageLoss: figure,
  payoff: figure,
  breakEvenWinRatePercent: figure,
  profitFactor: figure,
  expectancy: figure,
  gross: z.number(),
  fees: z.number(),
  profit: z.number(),
  averageHeldMinutes: figure,
});
export type Statistics = z.infer<typeof statisticsSchema>;

const groupSchema = z.object({
  key: z.string(),
  trades: count,
  wins: count,
  winRatePercent: figure,
  profit: z.number(),
});
export type GroupLine = z.infer<typeof groupSchema>;

const streakSchema = z.object({
  kind: z.enum(['wins', 'losses']),
  length: count,
  profit: z.number(),
  from: z.string(),
  to: z.string(),
  fromAt: z.string(),
  toAt: z.string(),
});
export type StreakLine = z.infer<typeof streakSchema>;

const orderSchema = z.object({
  /** Of its first fill. */
  id: z.string(),
  at: z.string(),
  side: z.enum(['buy', 'sell']),
  symbol: z.string(),
  quantity: count,
  price: z.number(),
  fee: z.number(),
  /** Before fees; null for an order that closed nothing. */
  realised: figure,
  action: z.string(),
  why: z.string().nullable(),
});
export type OrderLine = z.infer<typeof orderSchema>;

const positionSchema = z.object({
  symbol: z.string(),
  quantity: z.int(),
  cost: z.number(),
  value: z.number(),
  unrealised: z.number(),
  sharePercent: figure,
});
export type PositionLine = z.infer<typeof positionSchema>;

const sideSchema = z.object({
  orders: count,
  shares: count,
  notional: z.number(),
  fees: z.number(),
  realised: z.number(),
});
export type SideLine = z.infer<typeof sideSchema>;

export const tradeAnalysisSchema = z.object({
  kind: z.literal('trade_analysis'),
  run: runHeadSchema,
  filter: z.object({
    type: z.enum(['all', 'symbol', 'action', 'outcome', 'time']),
    criteria: z.string().nullable(),
    /** `trades in QUIL`. */
    words: z.string(),
  }),
  statistics: statisticsSchema,
  patterns: z.object({
    hours: z.array(groupSchema),
    days: z.array(groupSchema),
    symbols: z.array(groupSchema),
    actions: z.array(groupSchema),
    /** How they were closed, where the reasoning tells. */
    endings: z.array(groupSchema),
  }),
  streaks: z.object({
    longestWin: streakSchema.nullable(),
    longestLoss: streakSchema.nullable(),
    current: streakSchema.nullable(),
  }),
  /** Best first; worst first; newest first; those that were asked for by id or by outcome. */
  best: z.array(tradeLineSchema),
  worst: z.array(tradeLineSchema),
  newest: z.array(tradeLineSchema),
  /** Newest first. */
  orders: z.array(orderSchema),
  sides: z.object({ buy: sideSchema, sell: sideSchema }),
  positions: z.array(positionSchema),
  symbolsTraded: z.array(z.string()),
});
export type TradeAnalysis = z.infer<typeof tradeAnalysisSchema>;

const equityAtSchema = z.object({ at: z.string(), equity: z.number() });

export const metricsSchema = z.object({
  kind: z.literal('metrics'),
  run: runHeadSchema,
  type: z.enum(['returns', 'risk', 'sharpe', 'all']),
  /** What was not asked for is null. */
  returns: z
    .object({
      totalPercent: figure,
      profit: z.number(),
      days: z.array(z.object({ date: z.string(), percent: z.number(), profit: z.number() })),
      dayCount: count,
      averageDayPercent: figure,
      bestDay: z.object({ date: z.string(), percent: z.number() }).nullable(),
      worstDay: z.object({ date: z.string(), percent: z.number() }).nullable(),
      winningDays: count,
    })
    .nullable(),
  risk: z
    .object({
      volatilityPercent: figure,
      volatilityPerDayPercent: figure,
      drawdown: z
        .object({
          percent: z.number(),
          amount: z.number(),
          peak: equityAtSchema,
          trough: equityAtSchema,
          recoveredAt: z.string().nullable(),
          /** Trades that were closed on the way down. */
          trades: count,
          tradesProfit: z.number(),
          worst: z.array(tradeLineSchema),
        })
        .nullable(),
      currentDrawdownPercent: z.number(),
      exposure: z.object({
        averagePercent: figure,
        highestPercent: figure,
        nowPercent: figure,
        timeInMarketPercent: figure,
      }),
      positions: z.array(positionSchema),
    })
    .nullable(),
  ratios: z.object({ sharpe: figure, sortino: figure, whyNot: z.string().nullable() }).nullable(),
  /** How figures were annualised. */
  basis: z.object({ returns: count, length: z.number(), words: z.string() }),
});
export type Metrics = z.infer<typeof metricsSchema>;

export const suggestionSchema = z.object({
  /** As the exchange enforces it. */
  rule: tradingRuleSchema,
  words: z.string(),
  because: z.string(),
  /** What the run's own closed trades would have brought under the rule: reckoned, not traded. */
  counterfactual: z.object({
    saved: z.number(),
    profitBefore: z.number(),
    profitAfter: z.number(),
    trades: count,
    examples: z.array(z.string()),
    /** What the reckoning leaves out. */
    method: z.string(),
  }),
});
export type Suggestion = z.infer<typeof suggestionSchema>;

export const suggestionsSchema = z.object({
  kind: z.literal('rule_suggestions'),
  run: runHeadSchema,
  problem: z.string(),
  /** Kinds of rule that the problem speaks of. */
  asked: z.array(z.string()),
  /** The one that fits the problem first. */
  suggestions: z.array(suggestionSchema),
  /** Kinds that were tried and would not have helped. */
  rejected: z.array(z.object({ kind: z.string(), why: z.string() })),
});
export type Suggestions = z.infer<typeof suggestionsSchema>;

const comparedSchema = z.object({
  label: z.string(),
  run: runHeadSchema,
  statistics: statisticsSchema,
  sharpe: figure,
  volatilityPercent: figure,
  maximumDrawdownPercent: z.number(),
  averageExposurePercent: figure,
  best: tradeLineSchema.nullable(),
  worst: tradeLineSchema.nullable(),
});
export type Compared = z.infer<typeof comparedSchema>;

export const comparisonSchema = z.object({
  kind: z.literal('comparison'),
  /** Best return first. */
  runs: z.array(comparedSchema),
  /** What was asked for and is not there. */
  missing: z.array(z.string()),
});
export type Comparison = z.infer<typeof comparisonSchema>;

const listedRunSchema = z.object({
  id: z.string(),
  modelId: z.string(),
  model: z.string(),
  strategy: z.string(),
  number: count,
  status: z.enum(['running', 'completed']),
  from: z.string(),
  to: z.string(),
  equity: z.number(),
  profit: z.number(),
  returnPercent: figure,
  fills: count,
  rules: count,
  isFocus: z.boolean(),
});

export const runListSchema = z.object({
  kind: z.literal('run_list'),
  /** Newest first. */
  runs: z.array(listedRunSchema),
  models: z.array(
    z.object({ id: z.string(), name: z.string(), strategy: z.string(), runs: count }),
  ),
  /** Whether there are more than are listed. */
  isCut: z.boolean(),
});
export type RunList = z.infer<typeof runListSchema>;

// What a strategy saw and why it acted or waited: the structured record stored with each decision.
// Owns the shapes. Every figure is one that the strategy computed and used; prices and profits are
// Money, scores and probabilities are plain numbers. Texts are made from these (agents/phrasing.ts).
import type { Venue } from './instrument.ts';
import type { Money } from './money.ts';

/** The same instrument, cheaper to buy at one venue than to sell at the other. */
export type Gap = {
  readonly symbol: string;
  readonly buyAt: Venue;
  readonly sellAt: Venue;
  readonly ask: Money;
  readonly bid: Money;
  /** Bid over ask, before and after both fees. Negative: no gap, only the two spreads. */
  readonly grossBps: number;
  readonly netBps: number;
};

export type ArbitrageReasoning = {
  readonly kind: 'arbitrage';
  readonly thresholdBps: number;
  readonly feesBps: number;
  /** Instruments whose two venues could be compared now. */
  readonly compared: number;
  /** Widest gap now, taken or not. */
  readonly widest: Gap | null;
  readonly taken: readonly (Gap & { readonly quantity: number; readonly expected: Money })[];
  /** Shares left from a round trip whose second leg did not fill, being sold. */
  readonly unwinding: readonly string[];
};

export type TrendSignal = {
  readonly symbol: string;
  /** Distance of the fast average from the slow one, in usual distances. */
  readonly score: number;
  /** The same distance, in percent of the price. */
  readonly gapPercent: number;
};

export type MomentumReasoning = {
  readonly kind: 'momentum';
  readonly fastTicks: number;
  readonly slowTicks: number;
  readonly enterAbove: number;
  readonly leaveBelow: number;
  /** Ticks until the slow average has seen enough to be trusted. */
  readonly warmUpLeft: number;
  /** Strongest first. */
  readonly signals: readonly TrendSignal[];
  readonly entered: readonly TrendSignal[];
  readonly left: readonly (TrendSignal & { readonly because: 'faded' | 'fell-from-peak' })[];
};

export type GridState = {
  readonly symbol: string;
  readonly centre: Money;
  readonly step: Money;
  readonly stepPercent: number;
  /** Path over net move since watching began: above 1, and higher is choppier. */
  readonly choppiness: number;
  readonly bids: number;
  readonly asks: number;
  /** Levels that hold shares. */
  readonly loaded: number;
  readonly levels: number;
  readonly nearestBid: Money | null;
  readonly nearestAsk: Money | null;
};

export type GridReasoning = {
  readonly kind: 'grid';
  /** Ticks of watching left before the instruments are chosen. */
  readonly watchLeft: number;
  readonly grids: readonly GridState[];
  readonly placedBids: number;
  readonly placedAsks: number;
  /** Moved because the price left upwards with nothing held. */
  readonly recentred: readonly string[];
  /** Sold out at a loss because the price fell too far below the lowest level. */
  readonly abandoned: readonly string[];
};

export type Forecast = {
  readonly symbol: string;
  readonly probabilityUp: number;
  /** Expected move over the horizon, and what a round trip costs. */
  readonly edgeBps: number;
  readonly costBps: number;
};

export type LearnedReasoning = {
  readonly kind: 'learned';
  readonly horizonTicks: number;
  /** What it asks for before it trades at all, and whether that is met. */
  readonly leastSamples: number;
  readonly leastHitRate: number;
  readonly isTrading: boolean;
  /** Expected move over cost that it asks for. */
  readonly marginBps: number;
  /** Examples trained on, one per instrument and tick once its outcome is known. */
  readonly samples: number;
  /** Share of forecasts, made before training on them, that had the sign right. */
  readonly hitRate: number | null;
  /** The same, weighted to about the last thousand. */
  readonly recentHitRate: number | null;
  readonly recentLogLoss: number | null;
  readonly weights: readonly { readonly feature: string; readonly weight: number }[];
  /** Highest expected move first. */
  readonly forecasts: readonly Forecast[];
  readonly bought: readonly Forecast[];
  readonly sold: readonly (Forecast & { readonly because: 'turned' | 'horizon' })[];
};

export type HoldReasoning = {
  readonly kind: 'hold';
  readonly targets: number;
  readonly filled: number;
  readonly buying: string | null;
  /** Best and worst holding against its cost, in percent. */
  readonly best: { readonly symbol: string; readonly percent: number } | null;
  readonly worst: { readonly symbol: string; readonly percent: number } | null;
};

/** Not a strategy's: an accepted rule sold a position. */
export type StopLossReasoning = {
  readonly kind: 'stop_loss';
  readonly ruleId: string;
  readonly symbol: string;
  readonly limitPercent: number;
  readonly lossPercent: number;
};

/** Not a strategy's: what a person wrote beside a trade that was imported. */
export type ImportedReasoning = { readonly kind: 'imported'; readonly text: string };

export type Reasoning =
  | ArbitrageReasoning
  | MomentumReasoning
  | GridReasoning
  | LearnedReasoning
  | HoldReasoning
  | StopLossReasoning;

/** What a decision's row can hold: those of imported runs, too. */
export type RecordedReasoning = Reasoning | ImportedReasoning;

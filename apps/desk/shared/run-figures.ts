// How a trading run stands, as its live channel tells it. Amounts are dollars, for showing; times are the market's own.

import type { StandardSchema } from '@millrace/protocol';
import * as v from 'valibot';

export interface RunPosition {
  readonly symbol: string;
  readonly quantity: number;
  /** Dollars per share. */
  readonly averageCost: number;
  /** At the market, and what of it is profit not yet realised. */
  readonly value: number;
  readonly profit: number;
}

export interface RunDecision {
  /** Counts up over all agents of the market. */
  readonly number: number;
  readonly tick: number;
  readonly time: string;
  readonly orders: number;
  readonly cancels: number;
  /** What it saw and why it acted, by `kind` of strategy. */
  readonly reasoning: { readonly kind: string; readonly [figure: string]: unknown };
}

export interface RunFigures {
  readonly tick: number;
  readonly time: string;
  readonly status: 'running' | 'completed';
  readonly equity: number;
  readonly cash: number;
  /** Since the run's start, and since the day's opening; fees included. */
  readonly profit: number;
  readonly dayProfit: number;
  readonly positions: readonly RunPosition[];
  /** The newest that asked for something; null before the first. */
  readonly decision: RunDecision | null;
}

const amount = v.pipe(v.number(), v.finite());
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const time = v.pipe(v.string(), v.isoTimestamp());

const position = v.object({
  symbol: v.string(),
  quantity: v.pipe(v.number(), v.safeInteger()),
  averageCost: amount,
  value: amount,
  profit: amount,
});

const decision = v.object({
  number: whole,
  tick: whole,
  time,
  orders: whole,
  cancels: whole,
  reasoning: v.looseObject({ kind: v.string() }),
});

export const runFiguresSchema: StandardSchema<RunFigures> = v.object({
  tick: whole,
  time,
  status: v.picklist(['running', 'completed']),
  equity: amount,
  cash: amount,
  profit: amount,
  dayProfit: amount,
  positions: v.array(position),
  decision: v.nullable(decision),
});

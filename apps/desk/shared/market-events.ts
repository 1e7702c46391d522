// What the market's channels carry, as schemas for the wire and as types.
// Amounts are dollars as JSON numbers with at most four decimals (the market reckons in whole 1/10 000);
// they are for showing, and no sum is made of them. Times are the market's own, ISO 8601 UTC.

import type { StandardSchema } from '@millrace/protocol';
import * as v from 'valibot';

const id = v.pipe(v.string(), v.minLength(1), v.maxLength(100));
const time = v.pipe(v.string(), v.isoTimestamp());
const amount = v.pipe(v.number(), v.finite());
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

export interface Quote {
  readonly symbol: string;
  /** Middle of the market over both venues: what positions are valued at. */
  readonly price: number;
  /** Best prices over both venues; null when nobody is on that side. */
  readonly bid: number | null;
  readonly ask: number | null;
  /** Against the previous day's close (on the first day its opening), as a ratio: 0.01 is one percent. */
  readonly change: number;
  /** Shares since the day's opening, at both venues. */
  readonly volume: number;
}

export interface MarketTick {
  /** Counts from 1 since the market began; goes on after a restart. */
  readonly tick: number;
  readonly time: string;
  /** Trading day, from 0. */
  readonly day: number;
  readonly quotes: readonly Quote[];
}

export interface AccountPoint {
  readonly agentId: string;
  readonly equity: number;
  readonly cash: number;
  /** Since the agent's start, fees included. */
  readonly profit: number;
  /** Since the day's opening. */
  readonly dayProfit: number;
}

export interface EquityUpdate {
  readonly tick: number;
  readonly time: string;
  readonly accounts: readonly AccountPoint[];
}

export interface FillEvent {
  readonly id: string;
  readonly agentId: string;
  readonly tick: number;
  readonly time: string;
  readonly symbol: string;
  readonly venue: string;
  readonly side: 'buy' | 'sell';
  readonly quantity: number;
  readonly price: number;
  readonly fee: number;
  /** Profit this fill realised, before fees; 0 when it only opened. */
  readonly realised: number;
}

export interface RefusalEvent {
  readonly agentId: string;
  readonly tick: number;
  readonly time: string;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly quantity: number;
  /** Id of the accepted rule that refused, or `exchange/…`. */
  readonly ruleId: string;
  readonly reason: string;
}

const quote = v.object({
  symbol: id,
  price: amount,
  bid: v.nullable(amount),
  ask: v.nullable(amount),
  change: amount,
  volume: whole,
});

const account = v.object({
  agentId: id,
  equity: amount,
  cash: amount,
  profit: amount,
  dayProfit: amount,
});

const side = v.picklist(['buy', 'sell']);

export const marketTickSchema: StandardSchema<MarketTick> = v.object({
  tick: whole,
  time,
  day: whole,
  quotes: v.array(quote),
});

export const equityUpdateSchema: StandardSchema<EquityUpdate> = v.object({
  tick: whole,
  time,
  accounts: v.array(account),
});

export const fillSchema: StandardSchema<FillEvent> = v.object({
  id,
  agentId: id,
  tick: whole,
  time,
  symbol: id,
  venue: id,
  side,
  quantity: whole,
  price: amount,
  fee: amount,
  realised: amount,
});

export const refusalSchema: StandardSchema<RefusalEvent> = v.object({
  agentId: id,
  tick: whole,
  time,
  symbol: id,
  side,
  quantity: v.number(),
  ruleId: id,
  reason: v.string(),
});

// The words of trading: requests, working orders, fills, refusals. Types only.
import type { Venue } from './instrument.ts';
import type { Money } from './money.ts';

export type Side = 'buy' | 'sell';

/** What an agent asks for. `quantity` is whole shares; a limit is a multiple of the tick size. */
export type OrderRequest = {
  readonly symbol: string;
  readonly venue: Venue;
  readonly side: Side;
  readonly quantity: number;
  /**
   * `market` takes what the book has and drops the rest; `ioc` does so up to its limit;
   * `day` rests in the book until it is filled, cancelled or the day ends.
   */
  readonly kind: 'market' | 'ioc' | 'day';
  /** Null for a market order. */
  readonly limit: Money | null;
  /** The agent's own mark, given back with each fill. */
  readonly tag: string;
};

/** An agent's order that rests in a book. */
export type WorkingOrder = {
  readonly id: number;
  readonly agentId: string;
  readonly decisionId: number;
  readonly request: OrderRequest;
  remaining: number;
};

/** One trade of one agent's order. `notional` and `fee` are exact; the average price is theirs. */
export type Fill = {
  readonly id: number;
  readonly orderId: number;
  readonly decisionId: number;
  readonly agentId: string;
  readonly tick: number;
  readonly time: string;
  readonly symbol: string;
  readonly venue: Venue;
  readonly side: Side;
  readonly price: Money;
  readonly quantity: number;
  readonly notional: Money;
  readonly fee: Money;
  /** Profit or loss this fill realised against the average cost, before fees. */
  readonly realised: Money;
  readonly liquidity: 'taker' | 'maker';
  /** The other side's account: a market maker, the public, or another agent. */
  readonly counterparty: string;
  readonly tag: string;
};

/** What became of a request that was accepted. */
export type OrderOutcome = {
  readonly orderId: number;
  readonly decisionId: number;
  readonly agentId: string;
  readonly request: OrderRequest;
  readonly filled: number;
  readonly notional: Money;
  readonly fee: Money;
  /** Shares that rest in the book. */
  readonly resting: number;
  /** Cost of walking the book: notional against the best price met on arrival; never negative. */
  readonly slippage: Money;
};

/** A request that was not accepted: which rule, and why in one sentence with its figures. */
export type RefusedOrder = {
  readonly decisionId: number;
  readonly agentId: string;
  readonly tick: number;
  readonly time: string;
  readonly request: OrderRequest;
  /** Id of the accepted rule, or `exchange/…` for what holds for everybody. */
  readonly ruleId: string;
  readonly reason: string;
};

/** A working order that left the book unfilled. */
export type CancelledOrder = {
  readonly orderId: number;
  readonly agentId: string;
  readonly remaining: number;
  readonly why: 'agent' | 'day-end' | 'own-order-crossed' | 'agent-closed';
};

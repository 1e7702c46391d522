// An agent's recent fills, put together again as the orders they came from.
import { type Money, scale } from '../../market/money.ts';
import type { Fill, Side } from '../../market/order.ts';
import type { AgentStanding } from '../../market/report.ts';

export interface Trade {
  readonly orderId: number;
  readonly decisionId: number;
  readonly symbol: string;
  readonly side: Side;
  readonly venue: Fill['venue'];
  readonly quantity: number;
  readonly notional: Money;
  readonly averagePrice: Money;
  readonly fee: Money;
  readonly realised: Money;
  readonly isMaker: boolean;
  readonly tag: string;
  readonly tick: number;
  readonly time: string;
}

/** Oldest first. An order whose first fills are no longer remembered is left out, not shown short. */
export function tradesOf(standing: AgentStanding): Trade[] {
  const { recentFills, tally } = standing;
  const byOrder = new Map<number, Fill[]>();
  for (const fill of recentFills) {
    byOrder.set(fill.orderId, [...(byOrder.get(fill.orderId) ?? []), fill]);
  }
  const isCut = tally.fills > recentFills.length;
  const cutOrder = isCut ? recentFills[0]?.orderId : undefined;
  return [...byOrder.values()].flatMap((fills): Trade[] => {
    const last = fills.at(-1);
    if (last === undefined || last.orderId === cutOrder) return [];
    const sum = (of: (fill: Fill) => number): number =>
      fills.reduce((total, fill) => total + of(fill), 0);
    const quantity = sum((fill) => fill.quantity);
    const notional = sum((fill) => fill.notional);
    const { orderId, decisionId, symbol, side, venue, tag, tick, time } = last;
    return [
      {
        ...{ orderId, decisionId, symbol, side, venue, tag, tick, time, quantity, notional },
        averagePrice: scale(notional, 1, quantity),
        fee: sum((fill) => fill.fee),
        realised: sum((fill) => fill.realised),
        isMaker: fills.every((fill) => fill.liquidity === 'maker'),
      },
    ];
  });
}

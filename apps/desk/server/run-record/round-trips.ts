// Closed trades of a run's fills: all that one order closed is one trade. Pure.
//
// What the shares had cost follows from the fill's own realised profit, which the exchange reckons by average cost: so
// the trades' gross profits add up to the run's realised profit, to the unit, also where older fills were not read.
// Which shares they were, and so when and why they were opened, goes first in, first out.
import { type Money, scale } from '../market/money.ts';
import type { ClosedTrade, Execution, OpenPosition } from './run-record.ts';

interface Lot {
  /** Null for shares that were there before the first fill that was read. */
  readonly from: Execution | null;
  left: number;
  /** Of opening what is left. */
  fee: Money;
}

interface Draft {
  readonly first: Execution;
  last: Execution;
  readonly direction: ClosedTrade['direction'];
  readonly opened: Execution | null;
  quantity: number;
  cost: Money;
  brought: Money;
  gross: Money;
  fees: Money;
  /** Shares times milliseconds; null once some of them are of unknown age. */
  shareMs: number | null;
}

/**
 * @param executions oldest first
 * @param held what each symbol had before the first of them (`heldBefore`)
 */
export function roundTrips(
  executions: readonly Execution[],
  held: ReadonlyMap<string, number> = new Map(),
): ClosedTrade[] {
  const books = new Map<string, Lot[]>();
  const signs = new Map<string, number>();
  for (const [symbol, quantity] of held) {
    if (quantity === 0) continue;
    books.set(symbol, [{ from: null, left: Math.abs(quantity), fee: 0 }]);
    signs.set(symbol, Math.sign(quantity));
  }
  const drafts = new Map<number, Draft>();
  for (const fill of executions) {
    const { symbol, quantity } = fill;
    const lots = books.get(symbol) ?? [];
    books.set(symbol, lots);
    const sign = fill.side === 'buy' ? 1 : -1;
    const isClosing = lots.length > 0 && signs.get(symbol) === -sign;
    const open = lots.reduce((sum, lot) => sum + lot.left, 0);
    const closing = isClosing ? Math.min(open, quantity) : 0;
    if (closing > 0) close(drafts, fill, { lots, closing });
    const opening = quantity - closing;
    if (opening === 0) continue;
    signs.set(symbol, sign);
    lots.push({ from: fill, left: opening, fee: scale(fill.fee, opening, quantity) });
  }
  return [...drafts.values()].map(finished);
}

/** What each symbol had before fills of which only the newest are known. */
export function heldBefore(
  executions: readonly Execution[],
  positions: readonly OpenPosition[],
): Map<string, number> {
  const held = new Map(positions.map(({ symbol, quantity }) => [symbol, quantity]));
  for (const { symbol, side, quantity } of executions) {
    held.set(symbol, (held.get(symbol) ?? 0) + (side === 'buy' ? -quantity : quantity));
  }
  return held;
}

function close(
  drafts: Map<number, Draft>,
  fill: Execution,
  { lots, closing }: { readonly lots: Lot[]; readonly closing: number },
): void {
  const brought = scale(fill.notional, closing, fill.quantity);
  const isLong = fill.side === 'sell';
  const direction = isLong ? 'long' : 'short';
  const known = drafts.get(fill.orderNumber);
  const draft: Draft = known ?? {
    ...{ first: fill, last: fill, direction, opened: lots[0]?.from ?? null },
    ...{ quantity: 0, cost: 0, brought: 0, gross: 0, fees: 0, shareMs: 0 },
  };
  drafts.set(fill.orderNumber, draft);
  draft.last = fill;
  draft.quantity += closing;
  draft.brought += brought;
  draft.gross += fill.realised;
  draft.cost += isLong ? brought - fill.realised : brought + fill.realised;
  draft.fees += scale(fill.fee, closing, fill.quantity);
  let left = closing;
  while (left > 0) {
    const lot = lots[0];
    if (lot === undefined) break;
    const part = Math.min(lot.left, left);
    const fee = scale(lot.fee, part, lot.left);
    draft.fees += fee;
    lot.fee -= fee;
    lot.left -= part;
    left -= part;
    if (lot.from === null) draft.shareMs = null;
    else if (draft.shareMs !== null) {
      draft.shareMs += part * (Date.parse(fill.at) - Date.parse(lot.from.at));
    }
    if (lot.left === 0) lots.shift();
  }
}

function finished(draft: Draft): ClosedTrade {
  const { first, last, direction, opened, quantity, cost, brought, gross, fees, shareMs } = draft;
  return {
    ...{ number: first.number, symbol: first.symbol, direction, quantity, cost, gross, fees },
    opened: opened === null ? null : openedBy(opened),
    closed: { at: last.at, decisionNumber: first.decisionNumber, tag: first.tag },
    entryPrice: scale(cost, 1, quantity),
    exitPrice: scale(brought, 1, quantity),
    profit: gross - fees,
    heldMs: shareMs === null ? null : Math.round(shareMs / quantity),
  };
}

function openedBy({ at, number, decisionNumber, tag }: Execution): ClosedTrade['opened'] {
  return { at, fillNumber: number, decisionNumber, tag };
}

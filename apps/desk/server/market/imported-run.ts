// A run made of trades that happened elsewhere, with the arithmetic of the market's own accounts (account.ts):
//
//   a trade     cash −= ±quantity × price + fee; position at cost; realised against the average cost, before fees
//   equity      cash + Σ quantity × the last price at which the symbol traded in the file
//   one point   after each trade; the tick is the trade's number
//
// Pure. Shares may be owed and cash may be negative: what somebody did is not refused. A `reason` becomes its decision.

import { openAccount, settle } from './account.ts';
import { type InvalidCsv, invalidCsv } from './csv.ts';
import type { Money } from './money.ts';
import type { Fill } from './order.ts';
import type { ImportedReasoning } from './reasoning.ts';
import { holdingsOf } from './standing.ts';
import { LINES_PER_STEP } from './steps.ts';
import type { Holding } from './strategy.ts';
import type { Trade } from './trade-csv.ts';

/** Where an imported trade took place, as far as anybody here knows. */
const IMPORTED_VENUE = 'imported';

export interface ImportedRun {
  readonly kind: 'run';
  readonly startedAt: string;
  readonly endedAt: string;
  readonly startingCash: Money;
  readonly cash: Money;
  readonly equity: Money;
  readonly realised: Money;
  readonly unrealised: Money;
  readonly fees: Money;
  readonly holdings: readonly Holding[];
  readonly tally: Record<'orders' | 'fills' | 'closings' | 'wins', number>;
  readonly fills: readonly ImportedFill[];
  readonly decisions: readonly ImportedDecision[];
  readonly equityPoints: readonly {
    readonly tick: number;
    readonly time: string;
    readonly equity: Money;
    readonly cash: Money;
  }[];
}

export type ImportedFill = Omit<Fill, 'agentId' | 'venue'> & { readonly venue: string };

export interface ImportedDecision {
  readonly id: number;
  readonly tick: number;
  readonly time: string;
  readonly orders: number;
  readonly cancels: number;
  readonly reasoning: ImportedReasoning;
}

/** @param trades in the order of time; there must be some */
export function* importRun(
  trades: readonly Trade[],
  startingCash: Money,
): Generator<void, ImportedRun | InvalidCsv> {
  const account = openAccount('imported', 'agent', startingCash);
  const marks = new Map<string, Money>();
  const tally = { orders: trades.length, fills: trades.length, closings: 0, wins: 0 };
  const fills: ImportedFill[] = [];
  const decisions: ImportedDecision[] = [];
  const equityPoints: ImportedRun['equityPoints'][number][] = [];
  let value = 0;
  for (const [n, trade] of trades.entries()) {
    if (n % LINES_PER_STEP === 0) yield;
    const { symbol, side, quantity, price, fee, reason } = trade;
    const [tick, time] = [n + 1, isoTime(trade.timeMs)];
    const notional = quantity * price;
    const before = account.positions[symbol]?.quantity ?? 0;
    const isClosing = before * (side === 'buy' ? 1 : -1) < 0;
    const realised = settle(account, { symbol, side, quantity, notional, fee });
    const after = account.positions[symbol]?.quantity ?? 0;
    value += after * price - before * (marks.get(symbol) ?? 0);
    marks.set(symbol, price);
    // Exact only as long as every sum is a safe integer (money.ts).
    if (
      ![notional, value, account.cash, account.realised, after * price].every(Number.isSafeInteger)
    ) {
      return invalidCsv([
        { line: trade.line, message: 'The amounts are too large to reckon with.' },
      ]);
    }
    if (isClosing) tally.closings += 1;
    if (isClosing && realised > 0) tally.wins += 1;
    const numbers = { id: tick, orderId: tick, decisionId: tick, tick, time };
    const unknown = {
      liquidity: 'taker',
      counterparty: '',
      tag: '',
      venue: IMPORTED_VENUE,
    } as const;
    fills.push({ ...numbers, ...unknown, symbol, side, price, quantity, notional, fee, realised });
    if (reason !== '') {
      const reasoning = { kind: 'imported', text: reason } as const;
      decisions.push({ id: tick, tick, time, orders: 1, cancels: 0, reasoning });
    }
    equityPoints.push({ tick, time, equity: account.cash + value, cash: account.cash });
  }
  const { cash, realised, fees } = account;
  const equity = cash + value;
  return {
    kind: 'run',
    startedAt: isoTime(trades[0]?.timeMs ?? 0),
    endedAt: isoTime(trades.at(-1)?.timeMs ?? 0),
    ...{ startingCash, cash, equity, realised, fees },
    unrealised: equity - startingCash - realised + fees,
    holdings: holdingsOf(account, (symbol) => marks.get(symbol) ?? 0),
    ...{ tally, fills, decisions, equityPoints },
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

// What the exchange charges: a share of the notional, by whether the order waited or took.
import { misuse } from './misuse.ts';
import { type Money, scale } from './money.ts';

/** In basis points (1/100 of a percent), to two decimals. */
export type FeeSchedule = { readonly takerBps: number; readonly makerBps: number };

export const DEFAULT_FEES: FeeSchedule = { takerBps: 1, makerBps: 0 };

export function feeOn(notional: Money, bps: number): Money {
  return scale(notional, Math.round(bps * 100), 1_000_000);
}

export function checkFees(fees: FeeSchedule): FeeSchedule {
  for (const bps of [fees.takerBps, fees.makerBps]) {
    if (!(bps >= 0 && bps <= 1000)) {
      throw misuse(`A fee of ${bps} basis points makes no sense: give 0 to 1000.`);
    }
  }
  return fees;
}

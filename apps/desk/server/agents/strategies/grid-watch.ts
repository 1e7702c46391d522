// What the grid strategy watches before it chooses: how far each price walked, and how far it got.
import { z } from 'zod';
import type { Money } from '../../market/money.ts';
import type { SymbolQuote } from '../../market/quote.ts';

export type Watch = { first: Money; last: Money; path: Money; ticks: number };

export const watchSchema: z.ZodType<Watch> = z.object({
  first: z.int(),
  last: z.int(),
  path: z.int(),
  ticks: z.int(),
});

export function watchPrices(watch: Record<string, Watch>, quotes: readonly SymbolQuote[]): void {
  for (const { symbol, mark } of quotes) {
    const one = (watch[symbol] ??= { first: mark, last: mark, path: 0, ticks: 0 });
    one.path += Math.abs(mark - one.last);
    one.last = mark;
    one.ticks += 1;
  }
}

/**
 * `choppiness`: path over net move, at most 200; a straight line has 1. `meanMove`: mean size of a
 * tick's move as a ratio. Undefined until a price has moved.
 */
export function readWatch(
  watch: Watch | undefined,
): { readonly choppiness: number; readonly meanMove: number } | undefined {
  if (watch === undefined || watch.path === 0 || watch.ticks < 2) return undefined;
  const net = Math.max(Math.abs(watch.last - watch.first), watch.path / 200);
  return {
    choppiness: watch.path / net,
    meanMove: watch.path / (watch.ticks - 1) / watch.last,
  };
}

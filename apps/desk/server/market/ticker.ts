// The ticker: quotes with what the day has done so far. Owns open, high, low, volume and last close.
import { z } from 'zod';
import { type Listing, quoteOf } from './exchange.ts';
import type { Money } from './money.ts';
import type { SymbolQuote } from './quote.ts';

export type DayFigures = {
  symbol: string;
  /** The mark now, kept for the next day's comparison. */
  mark: Money;
  previousClose: Money;
  open: Money;
  high: Money;
  low: Money;
  volume: number;
};

export const dayFiguresSchema: z.ZodType<DayFigures> = z.object({
  symbol: z.string(),
  mark: z.int(),
  previousClose: z.int(),
  open: z.int(),
  high: z.int(),
  low: z.int(),
  volume: z.int().min(0),
});

export interface Ticker {
  /** Takes this tick's prices and volumes in, once per tick, after the background has traded. */
  advance(isDayStart: boolean): void;
  /** The books as they are now: agents' orders of this tick show at once. */
  quotes(): readonly SymbolQuote[];
  markOf(symbol: string): Money;
  snapshot(): DayFigures[];
}

export function createTicker(listings: readonly Listing[], saved: readonly DayFigures[]): Ticker {
  const bySymbol = new Map<string, Listing[]>();
  for (const listing of listings) {
    const { symbol } = listing.instrument;
    bySymbol.set(symbol, [...(bySymbol.get(symbol) ?? []), listing]);
  }
  const days = new Map(saved.map((day) => [day.symbol, { ...day }]));

  return {
    advance(isDayStart) {
      for (const [symbol, books] of bySymbol) {
        const mark = meanMid(books);
        const volume = books.reduce((sum, book) => sum + book.volume, 0);
        const day = days.get(symbol);
        if (day === undefined || isDayStart) {
          const previousClose = day?.mark ?? mark;
          const fresh = { symbol, mark, previousClose, open: mark, high: mark, low: mark, volume };
          days.set(symbol, fresh);
          continue;
        }
        day.mark = mark;
        day.high = Math.max(day.high, mark);
        day.low = Math.min(day.low, mark);
        day.volume += volume;
      }
    },
    quotes: () =>
      [...bySymbol].flatMap(([symbol, books]): SymbolQuote[] => {
        const day = days.get(symbol);
        if (day === undefined) return [];
        const venues = books.map(quoteOf);
        return [
          {
            symbol,
            mark: day.mark,
            previousClose: day.previousClose,
            dayOpen: day.open,
            dayHigh: day.high,
            dayLow: day.low,
            change: day.mark / day.previousClose - 1,
            volume: venues.reduce((sum, venue) => sum + venue.volume, 0),
            dayVolume: day.volume,
            venues,
          },
        ];
      }),
    markOf: (symbol) => days.get(symbol)?.mark ?? 0,
    snapshot: () => [...days.values()].map((day) => ({ ...day })),
  };
}

function meanMid(books: readonly Listing[]): Money {
  const sum = books.reduce((total, book) => total + quoteOf(book).mid, 0);
  return Math.floor(sum / books.length);
}

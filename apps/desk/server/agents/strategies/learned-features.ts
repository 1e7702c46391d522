// What the learned strategy looks at: past moves of each instrument in its own volatility, the state
// of its two books, and the market as a whole. Only what was known at the tick; all about unit size.
// There is no constant among them: a model that may just believe in "up" does so for a whole day.
import type { Money } from '../../market/money.ts';
import type { SymbolQuote } from '../../market/quote.ts';

export const FEATURES = [
  'move 1',
  'move 5',
  'move 20',
  'move 60',
  'move 180',
  'venue gap',
  'book imbalance',
  'market 20',
  'market 180',
] as const;

/** Ticks of marks that the features need. */
export const HISTORY = 181;

/** One instrument's marks, newest last, and its running tick volatility as a ratio. */
export type PriceMemory = { marks: Money[]; volatility: number };

export function remember(memory: PriceMemory, mark: Money): void {
  const last = memory.marks.at(-1);
  if (last !== undefined) {
    const move = Math.min(0.01, Math.abs(mark / last - 1));
    memory.volatility += 0.02 * (move * 1.25 - memory.volatility);
  }
  memory.marks = [...memory.marks, mark].slice(-HISTORY);
}

/** Features per instrument, in the order of `quotes`; undefined while the history is short. */
export function featuresOf(
  quotes: readonly SymbolQuote[],
  memories: Readonly<Record<string, PriceMemory>>,
): (readonly number[] | undefined)[] {
  const own = quotes.map((quote) => ownFeatures(quote, memories[quote.symbol]));
  const market = [FEATURES.indexOf('move 20'), FEATURES.indexOf('move 180')].map((place) => {
    const moves = own.flatMap((features) => features?.[place] ?? []);
    return (2 * moves.reduce((sum, move) => sum + move, 0)) / Math.max(1, moves.length);
  });
  return own.map((features) => (features === undefined ? undefined : [...features, ...market]));
}

function ownFeatures(quote: SymbolQuote, memory: PriceMemory | undefined): number[] | undefined {
  if (memory === undefined || memory.marks.length < HISTORY) return undefined;
  const volatility = Math.max(memory.volatility, 0.00005);
  const move = (ticks: number): number => {
    const past = memory.marks.at(-1 - ticks) ?? quote.mark;
    return bound((quote.mark / past - 1) / (volatility * Math.sqrt(ticks)));
  };
  const [first, second] = quote.venues;
  const gap = first === undefined || second === undefined ? 0 : first.mid / second.mid - 1;
  let imbalance = 0;
  for (const { bidSize, askSize } of quote.venues) {
    imbalance += (bidSize - askSize) / Math.max(1, bidSize + askSize) / quote.venues.length;
  }
  return [move(1), move(5), move(20), move(60), move(180), bound(gap * 2_000), bound(imbalance)];
}

function bound(value: number): number {
  return Math.max(-3, Math.min(3, value));
}

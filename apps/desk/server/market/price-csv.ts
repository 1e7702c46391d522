// Prices from CSV: `symbol,time,open,high,low,close,volume`, one bar per line, in any column order.
// Owns parsing and what is wrong with a line. Times without a zone are UTC; prices are exact decimals
// with at most four places. Every problem names its line (the header is line 1).
import {
  type CsvProblem,
  type InvalidCsv,
  invalidCsv,
  readHeader,
  readPrice,
  readSymbol,
  readTime,
  splitFields,
  splitLines,
} from './csv.ts';
import type { Money } from './money.ts';
import { atOnce, LINES_PER_STEP } from './steps.ts';

export interface PriceBar {
  readonly symbol: string;
  /** Epoch milliseconds of the bar's beginning. */
  readonly timeMs: number;
  readonly open: Money;
  readonly high: Money;
  readonly low: Money;
  readonly close: Money;
  readonly volume: number;
}

export type PriceCsv =
  /** Bars in the order of time, then symbol. */
  { readonly kind: 'prices'; readonly bars: readonly PriceBar[] } | InvalidCsv;

const COLUMNS = ['symbol', 'time', 'open', 'high', 'low', 'close', 'volume'] as const;
type Column = (typeof COLUMNS)[number];
const MOST_LINES = 500_000;

export function parsePriceCsv(text: string): PriceCsv {
  return atOnce(parsePrices(text));
}

/** The same in steps. At most `mostBars`, if that is given. */
export function* parsePrices(text: string, mostBars = MOST_LINES): Generator<void, PriceCsv> {
  const lines = splitLines(text);
  const header = readHeader(lines[0] ?? '', { needed: COLUMNS });
  if (typeof header === 'string') return invalidCsv([{ line: 1, message: header }]);
  if (lines.length > MOST_LINES) {
    const message = `${lines.length} lines are more than the ${MOST_LINES} that are taken at once.`;
    return invalidCsv([{ line: MOST_LINES + 1, message }]);
  }
  const bars: PriceBar[] = [];
  const problems: CsvProblem[] = [];
  const firstSeen = new Map<string, number>();
  for (const [n, text] of lines.entries()) {
    if (n % LINES_PER_STEP === 0) yield;
    if (n === 0 || text.trim() === '') continue;
    const line = n + 1;
    if (bars.length === mostBars) {
      return invalidCsv([{ line, message: `At most ${mostBars} bars are taken at once.` }]);
    }
    const bar = readBar(text, header);
    if (typeof bar === 'string') {
      problems.push({ line, message: bar });
      continue;
    }
    const key = `${bar.symbol} ${bar.timeMs}`;
    const earlier = firstSeen.get(key);
    if (earlier !== undefined) {
      const message = `${bar.symbol} has this time already in line ${earlier}.`;
      problems.push({ line, message });
    }
    firstSeen.set(key, earlier ?? line);
    bars.push(bar);
  }
  if (problems.length > 0) return invalidCsv(problems);
  if (bars.length === 0)
    return invalidCsv([{ line: 2, message: 'There is no line below the header.' }]);
  yield;
  bars.sort((one, other) => one.timeMs - other.timeMs || (one.symbol < other.symbol ? -1 : 1));
  return { kind: 'prices', bars };
}

/** The bar of a line, or what is wrong with it. */
function readBar(text: string, header: ReadonlyMap<Column, number>): PriceBar | string {
  const fields = splitFields(text);
  if (fields === undefined) return 'A quotation mark is opened and not closed.';
  const field = (name: Column): string => fields[header.get(name) ?? -1] ?? '';
  const empty = COLUMNS.find((name) => field(name) === '');
  if (empty !== undefined) {
    return `${empty} is missing (${fields.length} of ${header.size} fields are there).`;
  }
  const symbol = readSymbol(field('symbol'));
  if (symbol === undefined) {
    return `symbol "${field('symbol')}" is not 1 to 12 letters, digits, dots or dashes.`;
  }
  const timeMs = readTime(field('time'));
  if (timeMs === undefined) {
    return `time "${field('time')}" is not a date like 2026-01-05 or 2026-01-05T09:30:00Z.`;
  }
  const [open, high, low, close] = [
    readPrice(field('open')),
    readPrice(field('high')),
    readPrice(field('low')),
    readPrice(field('close')),
  ];
  if (open === undefined || high === undefined || low === undefined || close === undefined) {
    const wrong = (['open', 'high', 'low', 'close'] as const).find(
      (name) => readPrice(field(name)) === undefined,
    );
    const value = wrong === undefined ? '' : field(wrong);
    return `${wrong} "${value}" is not a positive decimal with at most four places.`;
  }
  if (high < Math.max(open, close, low)) return `high ${field('high')} is below another price.`;
  if (low > Math.min(open, close)) return `low ${field('low')} is above open or close.`;
  const volume = Number(field('volume'));
  if (!/^\d{1,15}$/.test(field('volume'))) {
    return `volume "${field('volume')}" is not a whole number of shares.`;
  }
  return { symbol, timeMs, open, high, low, close, volume };
}

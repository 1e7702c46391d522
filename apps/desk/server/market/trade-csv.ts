// Trades from CSV: `time,symbol,side,quantity,price` and, if they are there, `fee` and `reason`; one trade per line, in any
// column order. Owns parsing and what is wrong with a line. Times without a zone are UTC; amounts are exact decimals with
// at most four places, quantities whole shares. Every problem names its line (the header is line 1).

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
import { fromDecimal, type Money } from './money.ts';
import type { Side } from './order.ts';
import { LINES_PER_STEP } from './steps.ts';

export interface Trade {
  /** Where it stands in the file. */
  readonly line: number;
  readonly timeMs: number;
  readonly symbol: string;
  readonly side: Side;
  readonly quantity: number;
  readonly price: Money;
  readonly fee: Money;
  /** Empty where nobody said. */
  readonly reason: string;
}

export type TradeCsv =
  /** In the order of time; those of one time as in the file. */
  { readonly kind: 'trades'; readonly trades: readonly Trade[] } | InvalidCsv;

const NEEDED = ['time', 'symbol', 'side', 'quantity', 'price'] as const;
const OPTIONAL = ['fee', 'reason'] as const;
type Column = (typeof NEEDED)[number] | (typeof OPTIONAL)[number];

/** At once: each is three rows, and the embedded database does nothing else while they are written (some 0.1 s a thousand). */
const MOST_TRADES = 10_000;
const MOST_REASON = 2_000;

export function* parseTrades(text: string): Generator<void, TradeCsv> {
  const lines = splitLines(text);
  const header = readHeader<Column>(lines[0] ?? '', { needed: NEEDED, optional: OPTIONAL });
  if (typeof header === 'string') return invalidCsv([{ line: 1, message: header }]);
  const trades: Trade[] = [];
  const problems: CsvProblem[] = [];
  for (const [n, text] of lines.entries()) {
    if (n % LINES_PER_STEP === 0) yield;
    if (n === 0 || text.trim() === '') continue;
    const line = n + 1;
    if (trades.length === MOST_TRADES) {
      return invalidCsv([{ line, message: `At most ${MOST_TRADES} trades are taken at once.` }]);
    }
    const trade = readTrade(text, header, line);
    if (typeof trade === 'string') problems.push({ line, message: trade });
    else trades.push(trade);
  }
  if (problems.length > 0) return invalidCsv(problems);
  if (trades.length === 0) {
    return invalidCsv([{ line: 2, message: 'There is no line below the header.' }]);
  }
  // A sort is stable.
  return { kind: 'trades', trades: trades.toSorted((one, other) => one.timeMs - other.timeMs) };
}

/** The trade of a line, or what is wrong with it. */
function readTrade(
  text: string,
  header: ReadonlyMap<Column, number>,
  line: number,
): Trade | string {
  const fields = splitFields(text);
  if (fields === undefined) return 'A quotation mark is opened and not closed.';
  const field = (name: Column): string => fields[header.get(name) ?? -1] ?? '';
  const empty = NEEDED.find((name) => field(name) === '');
  if (empty !== undefined) {
    return `${empty} is missing (${fields.length} of ${header.size} fields are there).`;
  }
  const timeMs = readTime(field('time'));
  if (timeMs === undefined) {
    return `time "${field('time')}" is not a date like 2026-01-05 or 2026-01-05T09:30:00Z.`;
  }
  const symbol = readSymbol(field('symbol'));
  if (symbol === undefined) {
    return `symbol "${field('symbol')}" is not 1 to 12 letters, digits, dots or dashes.`;
  }
  const side = field('side').toLowerCase();
  if (side !== 'buy' && side !== 'sell') return `side "${field('side')}" is not buy or sell.`;
  const quantity = /^\d{1,9}$/.test(field('quantity')) ? Number(field('quantity')) : 0;
  if (quantity === 0) {
    return `quantity "${field('quantity')}" is not a whole number of shares, 1 or more.`;
  }
  const price = readPrice(field('price'));
  if (price === undefined) {
    return `price "${field('price')}" is not a positive decimal with at most four places.`;
  }
  const fee = readFee(field('fee'));
  if (fee === undefined) {
    return `fee "${field('fee')}" is not a decimal, 0 or more, with at most four places.`;
  }
  const reason = field('reason');
  if (reason.length > MOST_REASON) return `reason has more than ${MOST_REASON} characters.`;
  return { line, timeMs, symbol, side, quantity, price, fee, reason };
}

function readFee(text: string): Money | undefined {
  if (text === '') return 0;
  return /^\d{1,8}(\.\d{1,4})?$/.test(text) ? fromDecimal(text) : undefined;
}

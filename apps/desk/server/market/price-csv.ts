// Prices from CSV: `symbol,time,open,high,low,close,volume`, one bar per line, in any column order.
// Owns parsing and what is wrong with a line. Times without a zone are UTC; prices are exact decimals
// with at most four places. Every problem names its line (the header is line 1).
import { fromDecimal, type Money } from './money.ts';

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

export interface CsvProblem {
  readonly line: number;
  readonly message: string;
}

export type PriceCsv =
  /** Bars in the order of time, then symbol. */
  | { readonly kind: 'prices'; readonly bars: readonly PriceBar[] }
  /** The first problems, at most `MOST_PROBLEMS`; `more` says how many lines else are wrong. */
  | { readonly kind: 'invalid'; readonly problems: readonly CsvProblem[]; readonly more: number };

const COLUMNS = ['symbol', 'time', 'open', 'high', 'low', 'close', 'volume'] as const;
type Column = (typeof COLUMNS)[number];
const MOST_PROBLEMS = 20;
const MOST_LINES = 500_000;

export function parsePriceCsv(text: string): PriceCsv {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  const header = readHeader(lines[0] ?? '');
  if (typeof header === 'string') return invalid([{ line: 1, message: header }]);
  if (lines.length > MOST_LINES) {
    const message = `${lines.length} lines are more than the ${MOST_LINES} that are taken at once.`;
    return invalid([{ line: MOST_LINES + 1, message }]);
  }
  const bars: PriceBar[] = [];
  const problems: CsvProblem[] = [];
  const firstSeen = new Map<string, number>();
  for (const [n, text] of lines.entries()) {
    if (n === 0 || text.trim() === '') continue;
    const line = n + 1;
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
  if (problems.length > 0) return invalid(problems);
  if (bars.length === 0)
    return invalid([{ line: 2, message: 'There is no line below the header.' }]);
  bars.sort((one, other) => one.timeMs - other.timeMs || (one.symbol < other.symbol ? -1 : 1));
  return { kind: 'prices', bars };
}

function invalid(problems: readonly CsvProblem[]): PriceCsv {
  const more = Math.max(0, problems.length - MOST_PROBLEMS);
  return { kind: 'invalid', problems: problems.slice(0, MOST_PROBLEMS), more };
}

/** Where each column stands, or what is wrong with the header. */
function readHeader(text: string): ReadonlyMap<Column, number> | string {
  const names = splitLine(text)?.map((name) => name.toLowerCase()) ?? [];
  const missing = COLUMNS.filter((column) => !names.includes(column));
  if (missing.length === 0) return new Map(COLUMNS.map((name) => [name, names.indexOf(name)]));
  const hint = text.includes(';') ? ' Fields are separated by commas, not semicolons.' : '';
  return `The header lacks ${missing.join(', ')}; it must name ${COLUMNS.join(',')}.${hint}`;
}

/** The bar of a line, or what is wrong with it. */
function readBar(text: string, header: ReadonlyMap<Column, number>): PriceBar | string {
  const fields = splitLine(text);
  if (fields === undefined) return 'A quotation mark is opened and not closed.';
  const field = (name: Column): string => fields[header.get(name) ?? -1] ?? '';
  const empty = COLUMNS.find((name) => field(name) === '');
  if (empty !== undefined) {
    return `${empty} is missing (${fields.length} of ${header.size} fields are there).`;
  }
  const symbol = field('symbol').toUpperCase();
  if (!/^[A-Z0-9][A-Z0-9.-]{0,11}$/.test(symbol)) {
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

function readPrice(text: string): Money | undefined {
  if (!/^\d{1,8}(\.\d{1,4})?$/.test(text)) return undefined;
  const price = fromDecimal(text);
  return price > 0 ? price : undefined;
}

/** Refuses what the platform would guess at: only ISO 8601, and days that exist. */
function readTime(text: string): number | undefined {
  const parts =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?)?$/.exec(
      text,
    );
  if (parts === null) return undefined;
  const [, date = '', clock = '00:00', seconds = ':00', zone = 'Z'] = parts;
  const midnight = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(date)) {
    return undefined;
  }
  const timeMs = Date.parse(`${date}T${clock}${seconds}${zone}`);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

/** Fields without surrounding blanks and quotes; undefined when a quote stays open. */
function splitLine(text: string): string[] | undefined {
  const fields: string[] = [];
  let field = '';
  let isQuoted = false;
  for (let n = 0; n < text.length; n += 1) {
    const char = text[n];
    if (char === '"' && isQuoted && text[n + 1] === '"') {
      field += '"';
      n += 1;
    } else if (char === '"') isQuoted = !isQuoted;
    else if (char === ',' && !isQuoted) {
      fields.push(field.trim());
      field = '';
    } else field += char;
  }
  return isQuoted ? undefined : [...fields, field.trim()];
}

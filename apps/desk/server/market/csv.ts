// Reading CSV by lines: fields, times, prices, and what is wrong with a line. Owns no columns: see price-csv.ts and
// trade-csv.ts. A quoted field does not go over the end of its line.

import { fromDecimal, type Money } from './money.ts';

export interface CsvProblem {
  readonly line: number;
  readonly message: string;
}

/** The first problems, at most `MOST_PROBLEMS`; `more` says how many lines else are wrong. */
export interface InvalidCsv {
  readonly kind: 'invalid';
  readonly problems: readonly CsvProblem[];
  readonly more: number;
}

const MOST_PROBLEMS = 20;
/** A problem quotes the field, whatever somebody put there. */
const MOST_CHARACTERS = 200;
/** What a database keeps as well: it has no year 0, and ISO 8601 no plain year 10,000. */
const EARLIEST_MS = Date.parse('0001-01-01T00:00:00Z');
const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z');

export function invalidCsv(problems: readonly CsvProblem[]): InvalidCsv {
  const more = Math.max(0, problems.length - MOST_PROBLEMS);
  return { kind: 'invalid', problems: problems.slice(0, MOST_PROBLEMS), more };
}

/** All problems as one sentence each, for an error. */
export function describeProblems({ problems, more }: InvalidCsv): string {
  const lines = problems.map(
    ({ line, message }) => `Line ${line}: ${message.slice(0, MOST_CHARACTERS)}`,
  );
  return [...lines, ...(more === 0 ? [] : [`${more} more lines are wrong.`])].join(' ');
}

export function splitLines(text: string): string[] {
  return text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
}

/** Where each column stands, or what is wrong with the header. Optional ones may be missing. */
export function readHeader<Column extends string>(
  text: string,
  columns: { readonly needed: readonly Column[]; readonly optional?: readonly Column[] },
): ReadonlyMap<Column, number> | string {
  const { needed, optional = [] } = columns;
  const names = splitFields(text)?.map((name) => name.toLowerCase()) ?? [];
  const missing = needed.filter((column) => !names.includes(column));
  const known = [...needed, ...optional].filter((column) => names.includes(column));
  if (missing.length === 0) return new Map(known.map((name) => [name, names.indexOf(name)]));
  const hint = text.includes(';') ? ' Fields are separated by commas, not semicolons.' : '';
  return `The header lacks ${missing.join(', ')}; it must name ${needed.join(',')}.${hint}`;
}

export function readSymbol(text: string): string | undefined {
  const symbol = text.toUpperCase();
  return /^[A-Z0-9][A-Z0-9.-]{0,11}$/.test(symbol) ? symbol : undefined;
}

export function readPrice(text: string): Money | undefined {
  if (!/^\d{1,8}(\.\d{1,4})?$/.test(text)) return undefined;
  const price = fromDecimal(text);
  return price > 0 ? price : undefined;
}

/** Refuses what the platform would guess at: only ISO 8601, and days that exist. */
export function readTime(text: string): number | undefined {
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
  // NaN is neither.
  return timeMs >= EARLIEST_MS && timeMs <= LATEST_MS ? timeMs : undefined;
}

/** Fields without surrounding blanks and quotes; undefined when a quote stays open. */
export function splitFields(text: string): string[] | undefined {
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

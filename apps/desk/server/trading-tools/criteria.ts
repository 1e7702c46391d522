// What a filter of `analyze_trades` picks. Pure; what makes no sense is refused in words that a model can act on.

import { actionName } from '../figures/patterns.ts';
import { byProfit } from '../figures/trade-statistics.ts';
import { misuse } from '../market/misuse.ts';
import type { ClosedTrade, Execution, RunRecord } from '../run-record/run-record.ts';

export const FILTER_TYPES = ['all', 'symbol', 'action', 'outcome', 'time'] as const;
export type FilterType = (typeof FILTER_TYPES)[number];

export const CRITERIA_HELP: string =
  'symbol: one or more symbols ("QUIL" or "QUIL, ZUNO"); action: "buy", "sell", "long", "short" or an order tag such as ' +
  '"stop"; outcome: "win", "loss", "flat", "best 5" or "worst 5"; time: an hour or hours of entry in UTC ("10", ' +
  '"10:00-12:00", "morning", "afternoon"), a day of closing ("2026-01-05", "last day", "first day"), or "last 5" or ' +
  '"first 5" trades; all: nothing, or trade ids ("#123, #130")';

export interface Picked {
  readonly words: string;
  readonly trades: readonly ClosedTrade[];
  /** Fills that the filter is about. */
  readonly executions: readonly Execution[];
}

/** @throws MillraceError `request/invalid` for criteria that the filter does not know */
export function pick(record: RunRecord, type: FilterType, criteria: string | null): Picked {
  const wanted = (criteria ?? '').trim().slice(0, 200);
  switch (type) {
    case 'all':
      return byId(record, wanted);
    case 'symbol':
      return bySymbol(record, wanted);
    case 'action':
      return byAction(record, wanted.toLowerCase());
    case 'outcome':
      return byOutcome(record, wanted.toLowerCase());
    case 'time':
      return byTime(record, wanted.toLowerCase());
  }
}

function refuse(type: FilterType, wanted: string): never {
  const said = wanted === '' ? 'no criteria' : `"${wanted}"`;
  throw misuse(`filter_type "${type}" does not understand ${said}. Give one of: ${CRITERIA_HELP}.`);
}

function byId(record: RunRecord, wanted: string): Picked {
  const { trades, executions } = record;
  if (wanted === '' || wanted === 'all') return { words: 'all trades', trades, executions };
  const ids = (wanted.match(/\d{1,9}/g) ?? []).map(Number);
  if (ids.length === 0) refuse('all', wanted);
  const found = trades.filter(
    ({ number, opened }) =>
      ids.includes(number) || (opened !== null && ids.includes(opened.fillNumber)),
  );
  return {
    words: `trade ${ids.map((id) => `#${id}`).join(', ')}`,
    trades: found,
    executions: executions.filter(({ number }) => ids.includes(number)),
  };
}

function bySymbol({ trades, executions }: RunRecord, wanted: string): Picked {
  const symbols: readonly string[] = wanted.toUpperCase().match(/[A-Z][A-Z0-9.]{0,11}/g) ?? [];
  if (symbols.length === 0) refuse('symbol', wanted);
  const isIt = ({ symbol }: { readonly symbol: string }): boolean =>
    symbols.includes(symbol.toUpperCase());
  return {
    words: `trades in ${symbols.join(', ')}`,
    trades: trades.filter(isIt),
    executions: executions.filter(isIt),
  };
}

function byAction({ trades, executions }: RunRecord, wanted: string): Picked {
  if (wanted === 'buy' || wanted === 'sell') {
    // Both are the long trades: what a buy did is told by the sale that closed it, and the other way round.
    return {
      words: wanted === 'buy' ? 'trades that a buy opened' : 'trades that a sale closed',
      trades: trades.filter(({ direction }) => direction === 'long'),
      executions: executions.filter(({ side }) => side === wanted),
    };
  }
  if (wanted === 'long' || wanted === 'short') {
    const found = trades.filter(({ direction }) => direction === wanted);
    return { words: `${wanted} trades`, trades: found, executions };
  }
  const tagged = executions.filter(({ tag }) => actionName(tag).toLowerCase() === wanted);
  if (wanted === '' || tagged.length === 0) {
    const known = [...new Set(executions.map(({ tag }) => actionName(tag)))];
    throw misuse(
      `No order of this run is marked "${wanted}". Its actions are buy, sell, long, short, ${known.join(', ')}.`,
    );
  }
  const isIt = ({ closed, opened }: ClosedTrade): boolean =>
    [closed.tag, opened?.tag ?? ''].some((tag) => actionName(tag).toLowerCase() === wanted);
  return { words: `trades marked "${wanted}"`, trades: trades.filter(isIt), executions: tagged };
}

function byOutcome({ trades, executions }: RunRecord, wanted: string): Picked {
  const of = (words: string, found: readonly ClosedTrade[]): Picked => {
    const ids = new Set(found.map(({ number }) => number));
    return { words, trades: found, executions: executions.filter(({ number }) => ids.has(number)) };
  };
  const [, kind = '', digits] = /^(best|worst|top|bottom)?\s*(\d{1,3})?$/.exec(wanted) ?? [];
  if (kind !== '') {
    const count = Math.min(Math.max(Number(digits ?? 5), 1), 50);
    const sorted = byProfit(trades);
    return kind === 'best' || kind === 'top'
      ? of(`the best ${count} trades`, sorted.slice(-count).toReversed())
      : of(`the worst ${count} trades`, sorted.slice(0, count));
  }
  if (/^(win|won|winn?ers?|winning|profit(s|able)?)/.test(wanted)) {
    return of(
      'winning trades',
      trades.filter(({ profit }) => profit > 0),
    );
  }
  if (/^(los|lost)/.test(wanted)) {
    return of(
      'losing trades',
      trades.filter(({ profit }) => profit < 0),
    );
  }
  if (/^(flat|even|break)/.test(wanted)) {
    return of(
      'trades that came out even',
      trades.filter(({ profit }) => profit === 0),
    );
  }
  return refuse('outcome', wanted);
}

function byTime(record: RunRecord, wanted: string): Picked {
  const { trades, executions } = record;
  const counted = /^(last|latest|newest|first|oldest)\s*(\d{1,3})?(\s*trades?)?$/.exec(wanted);
  if (counted !== null) {
    const count = Math.min(Math.max(Number(counted[2] ?? 5), 1), 50);
    const isLast = /^(last|latest|newest)/.test(wanted);
    const cut = <One>(list: readonly One[]): readonly One[] =>
      isLast ? list.slice(-count) : list.slice(0, count);
    const words = `the ${isLast ? 'last' : 'first'} ${count} trades`;
    return { words, trades: cut(trades), executions: isLast ? executions : cut(executions) };
  }
  const date = dateOf(record, wanted);
  if (date !== null) {
    return {
      words: `trades closed on ${date}`,
      trades: trades.filter(({ closed }) => closed.at.startsWith(date)),
      executions: executions.filter(({ at }) => at.startsWith(date)),
    };
  }
  const hours = hoursOf(wanted);
  if (hours === null) return refuse('time', wanted);
  const [from, to] = hours;
  const isIn = (time: string): boolean => {
    const minute = Number(time.slice(11, 13)) * 60 + Number(time.slice(14, 16));
    return minute >= from && minute < to;
  };
  return {
    words: `trades opened between ${clockOf(from)} and ${clockOf(to)} UTC`,
    trades: trades.filter(({ opened }) => opened !== null && isIn(opened.at)),
    executions: executions.filter(({ at }) => isIn(at)),
  };
}

function dateOf({ executions }: RunRecord, wanted: string): string | null {
  if (/^\d{4}-\d{2}-\d{2}$/.test(wanted)) return wanted;
  const days = [...new Set(executions.map(({ at }) => at.slice(0, 10)))];
  if (/^(last|latest) day$|^today$/.test(wanted)) return days.at(-1) ?? null;
  if (/^yesterday$|^day before$/.test(wanted)) return days.at(-2) ?? null;
  return wanted === 'first day' ? (days[0] ?? null) : null;
}

/** Minutes of the day, from inclusive to exclusive. */
function hoursOf(wanted: string): readonly [number, number] | null {
  if (/^(in the )?morning$/.test(wanted)) return [0, 12 * 60];
  if (/^(in the )?afternoon$/.test(wanted)) return [12 * 60, 24 * 60];
  const clock = String.raw`(\d{1,2})(?::([0-5]\d))?(?:\s*(?:h|utc|o'clock))?`;
  const found = new RegExp(`^${clock}(?:\\s*(?:-|–|to|and|until)\\s*${clock})?$`).exec(wanted);
  if (found === null) return null;
  const [, hour = '', minutes = '0', untilHour, untilMinutes = '0'] = found;
  const from = Number(hour) * 60 + Number(minutes);
  const to = untilHour === undefined ? from + 60 : Number(untilHour) * 60 + Number(untilMinutes);
  return from < to && to <= 24 * 60 ? [from, to] : null;
}

function clockOf(minutes: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

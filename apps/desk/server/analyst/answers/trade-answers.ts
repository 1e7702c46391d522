// Answers about trades: the best and worst, one of them, a symbol, a side, hours, days, streaks, fees, the last orders. Pure.
import { listed, plural } from '../../agents/phrasing/words.ts';
import {
  duration,
  pct,
  pctSigned,
  ratio,
  stamp,
  usd,
  usdSigned,
} from '../../trading-tools/figures-in-words.ts';
import type { TradeAnalysis } from '../../trading-tools/results.ts';
import { blocks, bullets, next, plain, table } from './markdown.ts';
import { positionTable } from './position-table.ts';
import { noTrades, notYet } from './run-answers.ts';
import {
  cited,
  cutNote,
  groupTable,
  hourName,
  orderLine,
  reasonOf,
  runName,
  tradeReasons,
  tradeTable,
} from './trade-lines.ts';

export function extremesAnswer(seen: TradeAnalysis, kind: 'best' | 'worst', count: number): string {
  const { run, statistics } = seen;
  if (statistics.trades === 0) return noTrades(run, seen.filter.words);
  const list = seen[kind].slice(0, count);
  if (list.length === 0) {
    return blocks(
      `${runName(run)} has no ${kind === 'best' ? 'winning' : 'losing'} trade among its ${plural(statistics.trades, 'closed trade')}.`,
      next(kind === 'best' ? 'What were the worst trades?' : 'What were the best trades?'),
    );
  }
  const sum = list.reduce((all, { profit }) => all + profit, 0);
  const total =
    kind === 'best'
      ? (statistics.averageWin ?? 0) * statistics.wins
      : (statistics.averageLoss ?? 0) * statistics.losses;
  const isAll = seen.filter.type !== 'outcome' && total !== 0;
  const verb = kind === 'best' ? 'won' : 'lost';
  const name = list.length === 1 ? `The ${kind} trade` : `The ${list.length} ${kind} trades`;
  return blocks(
    `## ${name} of ${runName(run)}`,
    tradeTable(list),
    `Together ${usdSigned(sum)}${isAll ? `, ${pct((sum / total) * 100, 0)} of all that was ${verb}` : ''}.${shared(list)}`,
    '### Why',
    tradeReasons(list) ?? 'No reasoning is kept with these trades.',
    cutNote(run),
    kind === 'worst'
      ? next('What rule would have helped?', 'And the best?')
      : next('And the worst?', 'Which symbols do best?'),
  );
}

/** What several of them have in common. */
function shared(list: TradeAnalysis['best']): string {
  if (list.length < 3) return '';
  const most = (keyOf: (trade: (typeof list)[number]) => string): readonly [string, number] => {
    const groups = [...Map.groupBy(list, keyOf)].map(([key, of]) => [key, of.length] as const);
    return groups.toSorted((one, other) => other[1] - one[1])[0] ?? ['', 0];
  };
  const [symbol, inSymbol] = most((trade) => trade.symbol);
  const [hour, inHour] = most((trade) => (trade.openedAt ?? '').slice(11, 13));
  const half = Math.ceil(list.length / 2);
  const parts = [
    ...(inSymbol >= half && inSymbol > 1 ? [`${inSymbol} of them are in ${plain(symbol)}`] : []),
    ...(inHour >= half && inHour > 1 && hour !== ''
      ? [`${inHour} were opened ${hourName(hour)} UTC`]
      : []),
  ];
  return parts.length === 0
    ? ''
    : ` ${listed(parts)}.`.replace(/^ ./, (start) => start.toUpperCase());
}

export function outcomeAnswer(seen: TradeAnalysis, kind: 'winners' | 'losers'): string {
  const { run, statistics, patterns } = seen;
  const list = kind === 'winners' ? seen.best : seen.worst;
  if (statistics.trades === 0 || list.length === 0) return noTrades(run, seen.filter.words);
  const size = kind === 'winners' ? statistics.averageWin : statistics.averageLoss;
  return blocks(
    `## ${plural(statistics.trades, kind === 'winners' ? 'winning trade' : 'losing trade')}: ${usdSigned(statistics.profit)}`,
    `In ${runName(run)} they came to ${money(size)} each and were held ${duration(statistics.averageHeldMinutes)} on average.`,
    tradeTable(list.slice(0, 5)),
    tradeReasons(list.slice(0, 3)),
    patterns.symbols.length > 1 ? groupTable('By symbol', patterns.symbols.slice(0, 6)) : null,
    cutNote(run),
    kind === 'losers' ? next('What rule would have helped?') : next('And the losing trades?'),
  );
}

export function tradeAnswer(seen: TradeAnalysis): string {
  const { run, filter, orders } = seen;
  const list = seen.best;
  const [only] = list;
  if (only === undefined) {
    const [order] = orders;
    if (order !== undefined) {
      return blocks(
        `${order.id} of ${runName(run)} opened shares that are not closed yet, or is a part of another trade:`,
        bullets(orders.map(orderLine)),
      );
    }
    return blocks(
      `${runName(run)} has no ${filter.words} that is closed. Ids are the numbers of its fills; each of my tables names some.`,
      next('What were the best trades?'),
    );
  }
  if (list.length > 1) {
    return blocks(`## ${plural(list.length, 'trade')}`, tradeTable(list), tradeReasons(list));
  }
  const opened = only.openedAt === null ? '' : ` from ${stamp(only.openedAt)}`;
  return blocks(
    `## Trade ${only.id}: ${plain(only.symbol)}, ${usdSigned(only.profit)}`,
    `${plural(only.quantity, 'share')}${only.direction === 'short' ? ' short' : ''},${opened} to ${stamp(only.closedAt)} UTC (${duration(only.heldMinutes)}), ` +
      `${usd(only.entryPrice)} → ${usd(only.exitPrice)}: ${usdSigned(only.profit)} after ${usd(only.fees)} in fees, ${pctSigned(only.profitPercent)} on cost.`,
    `**Why:** ${reasonOf(only) ?? 'no reasoning is kept with it.'}`,
    next(`How did ${plain(only.symbol)} do in all?`, 'What were the worst trades?'),
  );
}

export function symbolAnswer(
  seen: TradeAnalysis,
  symbols: readonly string[],
  wantsWhy: boolean,
): string {
  const { run, statistics, best, worst, positions, symbolsTraded, orders } = seen;
  const name = listed(symbols.map(plain));
  const held = positions.filter(({ symbol }) => symbols.includes(symbol));
  const isTraded = symbols.some((symbol) => symbolsTraded.includes(symbol));
  if (!isTraded && held.length === 0) {
    return blocks(
      `${runName(run)} has **never traded ${name}**.`,
      symbolsTraded.length > 0 ? `It traded ${listed(symbolsTraded.map(plain))}.` : null,
      next('Which symbols do best?'),
    );
  }
  const verb = statistics.profit < 0 ? 'lost' : 'made';
  const list = statistics.profit < 0 || (wantsWhy && best.length === 0) ? worst : best;
  const other = list === worst ? best[0] : worst[0];
  return blocks(
    statistics.trades === 0
      ? `## ${name}: nothing closed yet`
      : `## ${name} ${verb} ${usd(Math.abs(statistics.profit))} over ${plural(statistics.trades, 'trade')}`,
    statistics.trades === 0
      ? null
      : `${statistics.wins} won, ${statistics.losses} lost (${pct(statistics.winRatePercent)} won); ${money(statistics.averageWin)} won and ` +
          `${money(statistics.averageLoss)} lost on average; ${usd(statistics.fees)} in fees; held ${duration(statistics.averageHeldMinutes)} on average.`,
    list.length > 0 ? tradeTable(list.slice(0, 3)) : null,
    list.length > 0 ? tradeReasons(list.slice(0, 3)) : null,
    other === undefined ? null : `On the other side: ${cited(other)}.`,
    held.length > 0 ? blocks('### Held now', positionTable(held)) : null,
    orders.length > 0 && statistics.trades < 3
      ? blocks('### Its last orders', bullets(orders.slice(0, 3).map(orderLine)))
      : null,
    cutNote(run),
    next('And the other symbols?', 'What rule would have helped?'),
  );
}

export function sideAnswer(seen: TradeAnalysis, side: 'buy' | 'sell'): string {
  const { run, sides, statistics, orders } = seen;
  const one = sides[side];
  if (one.orders === 0) {
    return blocks(`${runName(run)} has not ${side === 'buy' ? 'bought' : 'sold'} anything yet.`);
  }
  const did = side === 'buy' ? 'bought' : 'sold';
  return blocks(
    `## ${runName(run)} ${did} ${plural(one.shares, 'share')} by ${plural(one.orders, 'order')}`,
    table(['Figure', 'Value'], 'lr', [
      [`Worth`, usd(one.notional)],
      ['An order on average', usd(one.notional / one.orders)],
      ['Fees', usd(one.fees)],
      ...(side === 'sell' ? [['Realised, before fees', usdSigned(one.realised)]] : []),
    ]),
    statistics.trades === 0
      ? 'None of it is a closed trade yet.'
      : `${plural(statistics.trades, 'closed trade')} ${side === 'buy' ? 'began with these buys' : 'ended with these sales'}: ${pct(statistics.winRatePercent)} won, ` +
          `${usdSigned(statistics.profit)} after fees, ${ratio(statistics.profitFactor)} won for each dollar lost.`,
    '### The last of them, and why',
    bullets(orders.slice(0, 4).map(orderLine)),
    cutNote(run),
    side === 'buy' ? next('And the sells?') : next('And the buys?'),
  );
}

export function lastAnswer(
  seen: TradeAnalysis,
  { symbols, side }: { readonly symbols: readonly string[]; readonly side: 'buy' | 'sell' | null },
): string {
  const { run, newest, positions } = seen;
  const wanted = seen.orders.filter((order) => side === null || order.side === side);
  // Of those looked at none may be of the side: then the others are told.
  const orders = wanted.length > 0 ? wanted : seen.orders;
  const [latest] = orders;
  const of = symbols.length > 0 ? ` in ${listed(symbols.map(plain))}` : '';
  if (latest === undefined) {
    return of === '' ? notYet(run) : symbolAnswer(seen, symbols, false);
  }
  const closed = newest[0];
  return blocks(
    `## What ${runName(run)} did last${of}`,
    orderLine(latest),
    orders.length > 1 ? blocks('Before that:', bullets(orders.slice(1).map(orderLine))) : null,
    closed === undefined
      ? null
      : `The last trade that it closed${of} is ${cited(closed)}${closed.whyClosed === null ? '' : `, because ${plain(closed.whyClosed)}`}.`,
    positions.length === 0
      ? 'It holds nothing now.'
      : `It holds ${listed(positions.map(({ symbol }) => plain(symbol)))} now.`,
    run.status === 'running' ? `As of ${stamp(run.to)} UTC; the run goes on.` : null,
    next('What does it hold?', 'How is it doing?'),
  );
}

function money(amount: number | null): string {
  return amount === null ? 'n/a' : usdSigned(amount);
}

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
import type { Metrics, TradeAnalysis } from '../../trading-tools/results.ts';
import { blocks, bullets, next, plain, table } from './markdown.ts';
import { positionTable } from './risk-answers.ts';
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

export function symbolsAnswer({ run, patterns, statistics }: TradeAnalysis): string {
  const groups = patterns.symbols.toSorted((one, other) => other.profit - one.profit);
  const [best, worst] = [groups[0], groups.at(-1)];
  if (best === undefined || worst === undefined) return noTrades(run, 'all trades');
  return blocks(
    `## ${runName(run)} by symbol`,
    groupTable('Symbol', groups.slice(0, 15)),
    groups.length < 2
      ? null
      : `**${plain(best.key)}** did best with ${usdSigned(best.profit)}, **${plain(worst.key)}** worst with ${usdSigned(worst.profit)}. ` +
          `Without ${plain(worst.key)}, closed trades would stand at ${usdSigned(statistics.profit - Math.min(0, worst.profit))} in place of ${usdSigned(statistics.profit)}.`,
    cutNote(run),
    next(
      `Why did ${plain(worst.key)} ${worst.profit < 0 ? 'lose' : 'do worst'}?`,
      'What were the worst trades?',
    ),
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

export function hoursAnswer(seen: TradeAnalysis): string {
  const { run, patterns, filter, statistics } = seen;
  const { hours } = patterns;
  const sorted = hours.toSorted((one, other) => other.profit - one.profit);
  const [best, worst] = [sorted[0], sorted.at(-1)];
  if (best === undefined || worst === undefined) return noTrades(run, filter.words);
  const isPart = filter.type === 'time';
  return blocks(
    isPart
      ? `## ${capital(filter.words)}: ${usdSigned(statistics.profit)}`
      : `## ${runName(run)} by time of day`,
    isPart
      ? `${plural(statistics.trades, 'trade')}, ${pct(statistics.winRatePercent)} won, ${money(statistics.expectancy)} each.`
      : null,
    groupTable('Opened (UTC)', hours, hourName),
    hours.length < 2
      ? null
      : `It did best with trades opened **${hourName(best.key)}** (${usdSigned(best.profit)} over ${plural(best.trades, 'trade')}) and worst **${hourName(worst.key)}** ` +
          `(${usdSigned(worst.profit)} over ${plural(worst.trades, 'trade')}).`,
    hours.some(({ trades }) => trades < 10)
      ? 'Hours with fewer than ten trades may be chance.'
      : null,
    cutNote(run),
    next('Would trading hours have helped?', 'Which symbols do best?'),
  );
}

export function daysAnswer(trades: TradeAnalysis, metrics: Metrics | null): string {
  const { run, patterns, filter, statistics, best, worst } = trades;
  const days = metrics?.returns?.days ?? [];
  if (filter.type === 'time') {
    const date = /\d{4}-\d{2}-\d{2}/.exec(filter.words)?.[0];
    const day = days.find((one) => one.date === date);
    const ends = [...best.slice(0, 2), ...worst.slice(0, 2)];
    return blocks(
      `## ${runName(run)} on ${date ?? 'that day'}`,
      day === undefined
        ? 'There are no equity points of that day.'
        : `Equity moved **${pctSigned(day.percent)}** (${usdSigned(day.profit)}), open positions included.`,
      statistics.trades === 0
        ? 'No trade was closed.'
        : `${plural(statistics.trades, 'trade')} closed: ${statistics.wins} won, ${statistics.losses} lost, ${usdSigned(statistics.profit)} after fees.`,
      ends.length > 0 ? tradeTable(ends) : null,
      tradeReasons(ends),
      next('Which day was the worst?'),
    );
  }
  const closedOn = new Map(patterns.days.map((group) => [group.key, group]));
  const shown = days.slice(-15);
  const sorted = days.toSorted((one, other) => other.percent - one.percent);
  const [top, low] = [sorted[0], sorted.at(-1)];
  if (top === undefined || low === undefined) return notYet(run);
  return blocks(
    `## ${runName(run)} day by day`,
    table(
      ['Day', 'Return', 'Profit', 'Trades closed', 'Won'],
      'lrrrr',
      shown.map(({ date, percent, profit }) => {
        const group = closedOn.get(date);
        return [
          date,
          pctSigned(percent),
          usdSigned(profit),
          String(group?.trades ?? 0),
          pct(group?.winRatePercent ?? null, 0),
        ];
      }),
    ),
    `Best was ${top.date} (${pctSigned(top.percent)}), worst ${low.date} (${pctSigned(low.percent)}). Returns are of the whole equity, open positions included.`,
    cutNote(run),
    next(`What happened on ${low.date}?`),
  );
}

export function streaksAnswer({ run, streaks, statistics }: TradeAnalysis): string {
  const { longestWin, longestLoss, current } = streaks;
  if (statistics.trades === 0) return noTrades(run, 'all trades');
  const row = (name: string, streak: typeof current): string[] =>
    streak === null
      ? [name, 'none', '', '']
      : [
          ...[
            name,
            `${streak.length} ${streak.length === 1 ? streak.kind.replace(/e?s$/, '') : streak.kind}`,
          ],
          ...[streak.from === streak.to ? streak.from : `${streak.from} to ${streak.to}`],
          usdSigned(streak.profit),
        ];
  const rate = (statistics.winRatePercent ?? 0) / 100;
  // Of n independent trades the longest run of losses is about log(n × p) / log(1 / q), with q the chance to lose
  // (Schilling, "The Longest Run of Heads", *College Mathematics Journal* 1990).
  const lose = 1 - rate;
  const usual =
    lose > 0 && lose < 1 && statistics.trades >= 10
      ? Math.max(1, Math.round(Math.log(statistics.trades * rate) / Math.log(1 / lose)))
      : null;
  return blocks(
    `## Streaks of ${runName(run)}`,
    table(['', 'Length', 'Trades', 'Profit'], 'llll', [
      row('Longest of wins', longestWin),
      row('Longest of losses', longestLoss),
      row('Under way', current),
    ]),
    longestLoss === null
      ? null
      : `The losses fell between ${stamp(longestLoss.fromAt)} and ${stamp(longestLoss.toAt)} UTC.`,
    usual === null
      ? null
      : `With ${pct(statistics.winRatePercent)} of ${statistics.trades} trades won, a streak of about ${usual} losses is what chance alone would bring.`,
    cutNote(run),
    next('What were the worst trades?'),
  );
}

export function feesAnswer({ run, statistics, sides, patterns }: TradeAnalysis): string {
  if (run.fills === 0) return notYet(run);
  const gross = run.realised + run.unrealised;
  const turnover = sides.buy.notional + sides.sell.notional;
  return blocks(
    `## Fees of ${runName(run)}: ${usd(run.fees)}`,
    table(['', 'Amount'], 'lr', [
      ['Before fees', usdSigned(gross)],
      ['Fees', usdSigned(-run.fees)],
      ['**After fees**', `**${usdSigned(run.profit)}**`],
      ['A fill on average', usd(run.fees / run.fills)],
      ...(statistics.trades > 0
        ? [['A closed trade on average', usd(statistics.fees / statistics.trades)]]
        : []),
      ...(turnover > 0
        ? [
            [
              'Of what was traded',
              `${((run.fees / turnover) * 10_000).toFixed(2)} bp of ${usd(turnover)}`,
            ],
          ]
        : []),
    ]),
    gross > 0
      ? `Fees took ${pct((run.fees / gross) * 100)} of what it made before them${run.profit < 0 ? ', and turned a gain into a loss' : ''}.`
      : 'It was losing before fees already: they are not what made the loss.',
    statistics.expectancy === null
      ? null
      : `A closed trade brought ${money(statistics.expectancy)} on average after ${usd(statistics.fees / statistics.trades)} in fees, over ${plural(statistics.trades, 'trade')} in ${plural(patterns.symbols.length, 'symbol')}.`,
    cutNote(run),
    next('Does it trade too often?', 'Compare all models.'),
  );
}

export function holdingAnswer({ run, statistics, best, worst, newest }: TradeAnalysis): string {
  if (statistics.trades === 0) return noTrades(run, 'all trades');
  const mean = (list: TradeAnalysis['best']): number | null => {
    const known = list.flatMap(({ heldMinutes }) => (heldMinutes === null ? [] : [heldMinutes]));
    return known.length === 0 ? null : known.reduce((sum, one) => sum + one, 0) / known.length;
  };
  return blocks(
    `## ${runName(run)} holds a trade for ${duration(statistics.averageHeldMinutes)} on average`,
    table(['', 'Held'], 'lr', [
      [`All ${statistics.trades} closed trades`, duration(statistics.averageHeldMinutes)],
      [`The ${best.length} best`, duration(mean(best))],
      [`The ${worst.length} worst`, duration(mean(worst))],
    ]),
    newest[0] === undefined
      ? null
      : `The newest, ${cited(newest[0])}, was held ${duration(newest[0].heldMinutes)}.`,
    'Nights and weekends count: it is time by the clock.',
    next('What were the worst trades?'),
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

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

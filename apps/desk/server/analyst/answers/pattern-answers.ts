// Answers about patterns: symbols, hours, days, streaks, fees, how long trades are held. Pure.
import { plural } from '../../agents/phrasing/words.ts';
import {
  duration,
  pct,
  pctSigned,
  stamp,
  usd,
  usdSigned,
} from '../../trading-tools/figures-in-words.ts';
import type { Metrics, TradeAnalysis } from '../../trading-tools/results.ts';
import { blocks, next, plain, table } from './markdown.ts';
import { noTrades, notYet } from './run-answers.ts';
import {
  cited,
  cutNote,
  groupTable,
  hourName,
  runName,
  tradeReasons,
  tradeTable,
} from './trade-lines.ts';

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
  // Both of the fills that were read, which may be fewer than the run's.
  const turnover = sides.buy.notional + sides.sell.notional;
  const paid = sides.buy.fees + sides.sell.fees;
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
              `${((paid / turnover) * 10_000).toFixed(2)} bp of ${usd(turnover)}`,
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

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function money(amount: number | null): string {
  return amount === null ? 'n/a' : usdSigned(amount);
}

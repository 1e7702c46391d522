// Answers about a run as a whole: why it stands where it does, its summary, returns and statistics. Pure.
import { plural } from '../../agents/phrasing/words.ts';
import {
  duration,
  fall,
  pct,
  pctSigned,
  ratio,
  stamp,
  usd,
  usdSigned,
} from '../../trading-tools/figures-in-words.ts';
import type { Metrics, RunHead, Suggestions, TradeAnalysis } from '../../trading-tools/results.ts';
import { driversOf, profitFactorWords } from './drivers.ts';
import { blocks, bullets, next, numbered, plain, table } from './markdown.ts';
import { positionTable } from './position-table.ts';
import { cited, cutNote, runName, tradeReasons, tradeTable } from './trade-lines.ts';

export interface WhyInput {
  readonly trades: TradeAnalysis;
  readonly metrics: Metrics | null;
  readonly rules: Suggestions | null;
  /** What the question takes for granted. */
  readonly premise: 'lost' | 'made' | null;
}

export function whyAnswer({ trades, metrics, rules, premise }: WhyInput): string {
  const { run } = trades;
  if (run.fills === 0) return notYet(run);
  const lean = run.profit < 0 ? 'lost' : 'made';
  const isWrong = premise !== null && premise !== lean;
  const told = isWrong
    ? `It has **not** ${premise === 'lost' ? 'lost' : 'made'} money: ${runName(run)} is ${run.profit === 0 ? 'exactly even' : `${lean === 'made' ? 'up' : 'down'} ${usd(Math.abs(run.profit))}`} (${pctSigned(run.returnPercent)}). What ${premise === 'lost' ? 'lost' : 'made'} money within it comes second.`
    : `${runName(run)} stands at ${usd(run.equity)}, from ${usd(run.startingCash)}.`;
  const list = lean === 'lost' ? trades.worst : trades.best;
  const other = lean === 'lost' ? trades.best[0] : trades.worst[0];
  return blocks(
    `## Why it ${lean === 'lost' ? 'lost' : 'made'} money: ${usdSigned(run.profit)} (${pctSigned(run.returnPercent)})`,
    told,
    partsTable(run),
    '### What drove it',
    numbered(driversOf(trades, lean)),
    isWrong ? contrary(trades, premise) : null,
    heldTable(trades),
    list.length > 0
      ? `### The trades that ${lean === 'lost' ? 'cost' : 'brought'} most`
      : 'No trade is closed yet: all of it is in open positions.',
    list.length > 0 ? tradeTable(list.slice(0, 3)) : null,
    tradeReasons(list.slice(0, 3)),
    other === undefined
      ? null
      : `On the other side, ${cited(other)} was its ${lean === 'lost' ? 'best' : 'worst'} trade.`,
    fallLine(metrics),
    ruleLine(rules),
    cutNote(run),
    next('When was the drawdown, and why?', 'What rule would have helped?'),
  );
}

/** Where the questioner saw the opposite: there is something to it. */
function contrary(trades: TradeAnalysis, premise: 'lost' | 'made'): string | null {
  const found = driversOf(trades, premise, {
    most: 3,
    without: ['rate', 'ending', 'fees', 'open'],
  });
  if (found.length === 0) return null;
  const head = premise === 'lost' ? 'What lost money all the same' : 'What made money all the same';
  return blocks(`### ${head}`, bullets(found));
}

/** Where most of the result is on paper: what it holds, the largest profit and loss first. */
function heldTable({ run, positions }: TradeAnalysis): string | null {
  if (positions.length === 0 || Math.abs(run.unrealised) < Math.abs(run.profit) / 2) return null;
  const sorted = positions.toSorted(
    (one, other) => Math.abs(other.unrealised) - Math.abs(one.unrealised),
  );
  return blocks('### What it holds', positionTable(sorted.slice(0, 6)));
}

function partsTable(run: RunHead): string {
  return table(['Where it comes from', 'Amount'], 'lr', [
    ['Closed trades, before fees', usdSigned(run.realised)],
    ['Open positions, against cost', usdSigned(run.unrealised)],
    ['Fees', usdSigned(-run.fees)],
    ['**Together**', `**${usdSigned(run.profit)}**`],
  ]);
}

function fallLine(metrics: Metrics | null): string | null {
  const drawdown = metrics?.risk?.drawdown ?? null;
  if (drawdown === null) return null;
  const { percent, peak, trough, recoveredAt } = drawdown;
  const since = recoveredAt === null ? 'not made good yet' : `made good ${stamp(recoveredAt)}`;
  return `The deepest fall on the way was ${fall(percent)}, from ${stamp(peak.at)} to ${stamp(trough.at)} UTC, ${since}.`;
}

function ruleLine(rules: Suggestions | null): string | null {
  const [first] = rules?.suggestions ?? [];
  if (first === undefined) return null;
  const { saved, trades } = first.counterfactual;
  return (
    `**A rule that would have helped:** *${first.words}*. Reckoned on this run's own trades (a counterfactual, in hindsight), ` +
    `it would have saved ${usd(saved)} by ${plural(trades, 'trade')}.`
  );
}

export function summaryAnswer(trades: TradeAnalysis, metrics: Metrics | null): string {
  const { run, statistics: seen, best, worst } = trades;
  if (run.fills === 0) return notYet(run);
  const { risk = null, ratios = null } = metrics ?? {};
  const rows: (readonly string[])[] = [
    ['Result', `**${usdSigned(run.profit)}** (${pctSigned(run.returnPercent)})`],
    ['Equity', `${usd(run.equity)}, from ${usd(run.startingCash)}`],
    [
      'Closed / open / fees',
      `${usdSigned(run.realised)} / ${usdSigned(run.unrealised)} / ${usdSigned(-run.fees)}`,
    ],
    [
      'Closed trades',
      `${seen.trades}: ${seen.wins} won, ${seen.losses} lost (${pct(seen.winRatePercent)} won)`,
    ],
  ];
  if (seen.trades > 0) {
    rows.push(
      ['Average win / loss', `${money(seen.averageWin)} / ${money(seen.averageLoss)}`],
      ['Profit factor', profitFactorWords(seen.profitFactor)],
      [
        'A trade on average',
        `${money(seen.expectancy)}, held ${duration(seen.averageHeldMinutes)}`,
      ],
    );
  }
  if (ratios !== null)
    rows.push(['Sharpe / Sortino', `${ratio(ratios.sharpe)} / ${ratio(ratios.sortino)}`]);
  if (risk !== null) {
    rows.push(
      [
        'Volatility',
        `${pct(risk.volatilityPercent)} a year, ${pct(risk.volatilityPerDayPercent, 2)} a day`,
      ],
      [
        'Deepest fall',
        risk.drawdown === null
          ? 'none'
          : `${fall(risk.drawdown.percent)} (${usd(risk.drawdown.amount)})`,
      ],
      [
        'Invested',
        `${pct(risk.exposure.averagePercent, 0)} on average, ${pct(risk.exposure.nowPercent, 0)} now`,
      ],
    );
  }
  const ends = [
    ...(best[0] === undefined ? [] : [`Best trade: ${cited(best[0])}.`]),
    ...(worst[0] === undefined ? [] : [`Worst trade: ${cited(worst[0])}.`]),
    ...(run.rules.length > 0 ? [`Rules in force: ${run.rules.map(plain).join('; ')}.`] : []),
  ];
  const drivers = driversOf(trades, run.profit < 0 ? 'lost' : 'made', { most: 3 });
  return blocks(
    `## ${runName(run)}: ${pctSigned(run.returnPercent)}`,
    `${run.status === 'running' ? 'Running' : 'Completed'}, from ${stamp(run.from)} to ${stamp(run.to)} UTC.`,
    table(['', ''], 'll', rows),
    drivers.length > 0
      ? blocks('### What stands out', bullets([...drivers, ...ends]))
      : bullets(ends),
    cutNote(run),
    next(run.profit < 0 ? 'Why did it lose money?' : 'Why did it make money?', 'How risky is it?'),
  );
}

export function returnsAnswer(trades: TradeAnalysis | null, metrics: Metrics): string {
  const { run, returns } = metrics;
  const days = returns?.days ?? [];
  const shown = days.slice(-10);
  const { bestDay = null, worstDay = null, winningDays = 0, dayCount = 0 } = returns ?? {};
  return blocks(
    `## ${runName(run)} is ${run.profit < 0 ? 'down' : 'up'} ${usd(Math.abs(run.profit))} (${pctSigned(run.returnPercent)})`,
    partsTable(run),
    dayCount > 1 && bestDay !== null && worstDay !== null
      ? `${winningDays} of ${dayCount} days were up; a day brought ${pctSigned(returns?.averageDayPercent ?? null)} on average. ` +
          `Best: ${bestDay.date} with ${pctSigned(bestDay.percent)}. Worst: ${worstDay.date} with ${pctSigned(worstDay.percent)}.`
      : null,
    shown.length > 1
      ? table(
          ['Day', 'Return', 'Profit'],
          'lrr',
          shown.map(({ date, percent, profit }) => [date, pctSigned(percent), usdSigned(profit)]),
        )
      : null,
    days.length > shown.length ? `The last ${shown.length} of ${dayCount} days.` : null,
    trades === null || trades.statistics.trades === 0
      ? null
      : `${plural(trades.statistics.trades, 'closed trade')} made ${usdSigned(trades.statistics.profit)} after their fees, ${money(trades.statistics.expectancy)} each.`,
    cutNote(run),
    next(run.profit < 0 ? 'Why did it lose money?' : 'Why did it make money?', 'How risky is it?'),
  );
}

export function statisticsAnswer({ run, filter, statistics: seen }: TradeAnalysis): string {
  if (seen.trades === 0) return noTrades(run, filter.words);
  const isEnough =
    seen.winRatePercent !== null &&
    seen.breakEvenWinRatePercent !== null &&
    seen.winRatePercent >= seen.breakEvenWinRatePercent;
  return blocks(
    `## ${runName(run)}: ${plural(seen.trades, 'closed trade')}, ${pct(seen.winRatePercent)} won`,
    table(['Figure', 'Value'], 'lr', [
      ['Won / lost / even', `${seen.wins} / ${seen.losses} / ${seen.flat}`],
      ['Average win', money(seen.averageWin)],
      ['Average loss', money(seen.averageLoss)],
      ['Win for loss', ratio(seen.payoff)],
      ['Profit factor', ratio(seen.profitFactor)],
      ['A trade on average', money(seen.expectancy)],
      ['Held on average', duration(seen.averageHeldMinutes)],
      ['Together, after fees', usdSigned(seen.profit)],
    ]),
    seen.breakEvenWinRatePercent === null
      ? null
      : `At these sizes of wins and losses a win rate of ${pct(seen.breakEvenWinRatePercent)} comes out even, so it wins ${isEnough ? 'often enough' : 'too rarely'}.`,
    'Won and lost are counted after fees; a trade is all that one order closed.',
    cutNote(run),
    next('Show me the worst trades.', 'Which symbols do best?'),
  );
}

export function notYet(run: RunHead): string {
  return blocks(
    `${runName(run)} has not traded yet: ${usd(run.equity)} are in cash, and there is nothing to explain.`,
    next('List all runs.'),
  );
}

export function noTrades(run: RunHead, words: string): string {
  return blocks(
    `${runName(run)} has closed none of its ${words === 'all trades' ? 'trades' : words} yet, so there are no wins and losses to count.`,
    Math.abs(run.unrealised) > 0
      ? `What it holds stands at ${usdSigned(run.unrealised)} against cost, after ${usd(run.fees)} in fees.`
      : null,
    next('What does it hold?', 'List all runs.'),
  );
}

function money(amount: number | null): string {
  return amount === null ? 'n/a' : usdSigned(amount);
}

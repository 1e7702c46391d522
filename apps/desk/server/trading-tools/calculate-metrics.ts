// `calculate_metrics`: returns, risk and what was earned for it, by the equity points. Pure.

import { plural } from '../agents/phrasing/words.ts';
import { currentDrawdown, maximumDrawdown } from '../figures/drawdown.ts';
import { exposureOf } from '../figures/exposure.ts';
import { type Figure, meanOf } from '../figures/figure.ts';
import {
  dayReturns,
  periodReturns,
  SESSIONS_PER_YEAR,
  type Span,
  spanOf,
} from '../figures/returns.ts';
import { sharpe, sortino, volatility } from '../figures/risk.ts';
import { byProfit } from '../figures/trade-statistics.ts';
import { toDollars } from '../market/money.ts';
import type { RunRecord } from '../run-record/run-record.ts';
import type { Answer } from './analyze-trades.ts';
import { fall, pct, pctSigned, ratio, stamp, usd, usdSigned } from './figures-in-words.ts';
import {
  decisionsOf,
  headOf,
  percentOf,
  positionLines,
  ratioOf,
  toPercent,
  tradeLine,
} from './lines.ts';
import type { Metrics } from './results.ts';

export const METRIC_TYPES = ['returns', 'risk', 'sharpe', 'all'] as const;
export type MetricType = (typeof METRIC_TYPES)[number];

const MAX_DAYS = 30;
const MAX_POSITIONS = 10;
const MAX_CITED = 3;

export function calculateMetrics(record: RunRecord, type: MetricType): Answer<Metrics> {
  const returns = periodReturns(record.equity);
  const span = spanOf(record.equity);
  const isWanted = (part: MetricType): boolean => type === 'all' || type === part;
  const data: Metrics = {
    ...{ kind: 'metrics', run: headOf(record), type },
    returns: isWanted('returns') ? returnsOf(record) : null,
    risk: isWanted('risk') ? riskOf(record, returns, span) : null,
    ratios: isWanted('sharpe') ? ratiosOf(returns, span) : null,
    basis: { returns: returns.length, length: span.length, words: basisWords(returns, span) },
  };
  return { text: textOf(data), data };
}

function returnsOf(record: RunRecord): Metrics['returns'] {
  const { profit, returnPercent } = headOf(record);
  const days = dayReturns(record.equity);
  const sorted = days.toSorted((one, other) => one.ratio - other.ratio);
  const dayOf = (day: (typeof days)[number] | undefined) =>
    day === undefined ? null : { date: day.date, percent: toPercent(day.ratio) };
  return {
    ...{ totalPercent: returnPercent, profit, dayCount: days.length },
    days: days.slice(-MAX_DAYS).map(({ date, ratio: part, profit: made }) => ({
      ...{ date, percent: toPercent(part), profit: toDollars(made) },
    })),
    averageDayPercent: days.length > 0 ? toPercent(meanOf(days.map((day) => day.ratio))) : null,
    bestDay: dayOf(sorted.at(-1)),
    worstDay: dayOf(sorted[0]),
    winningDays: days.filter((day) => day.profit > 0).length,
  };
}

function riskOf(record: RunRecord, returns: readonly number[], span: Span): Metrics['risk'] {
  const yearly = volatility(returns, span);
  const perYear = span.basis === 'sessions' ? SESSIONS_PER_YEAR : 365.25;
  const daily: Figure =
    yearly.value === null ? yearly : { value: yearly.value / Math.sqrt(perYear) };
  const exposure = exposureOf(record.equity);
  return {
    volatilityPercent: percentOf(yearly),
    volatilityPerDayPercent: percentOf(daily),
    drawdown: drawdownOf(record),
    currentDrawdownPercent: toPercent(currentDrawdown(record.equity)),
    exposure: {
      averagePercent: percentOf(exposure.average),
      highestPercent: percentOf(exposure.highest),
      nowPercent: percentOf(exposure.now),
      timeInMarketPercent: percentOf(exposure.timeInMarket),
    },
    positions: positionLines(record).slice(0, MAX_POSITIONS),
  };
}

type DrawdownLine = NonNullable<Metrics['risk']>['drawdown'];

function drawdownOf(record: RunRecord): DrawdownLine {
  const worst = maximumDrawdown(record.equity);
  if (worst === null) return null;
  const { peak, trough } = worst;
  const within = record.trades.filter(
    ({ closed }) => closed.at > peak.at && closed.at <= trough.at,
  );
  const decisions = decisionsOf(record);
  return {
    percent: toPercent(worst.ratio),
    amount: toDollars(peak.equity - trough.equity),
    peak: { at: peak.at, equity: toDollars(peak.equity) },
    trough: { at: trough.at, equity: toDollars(trough.equity) },
    recoveredAt: worst.recoveredAt,
    trades: within.length,
    tradesProfit: toDollars(within.reduce((sum, { profit }) => sum + profit, 0)),
    worst: byProfit(within)
      .filter(({ profit }) => profit < 0)
      .slice(0, MAX_CITED)
      .map((trade) => tradeLine(trade, decisions)),
  };
}

function ratiosOf(returns: readonly number[], span: Span): Metrics['ratios'] {
  const [one, other] = [sharpe(returns, span), sortino(returns, span)];
  const whys = [...new Set([one.why, other.why].filter((why) => why !== undefined))];
  return {
    sharpe: ratioOf(one),
    sortino: ratioOf(other),
    whyNot: whys.length > 0 ? whys.join(', and ') : null,
  };
}

function basisWords(returns: readonly number[], span: Span): string {
  const length = span.length < 10 ? span.length.toFixed(1) : Math.round(span.length).toString();
  const year =
    span.basis === 'sessions' ? `${SESSIONS_PER_YEAR} sessions a year` : 'a year of 365.25 days';
  return `annualised from ${plural(returns.length, 'return')} over ${length} ${span.basis}, with ${year} and a riskless rate of 0`;
}

function textOf({ run, returns, risk, ratios, basis }: Metrics): string {
  const parts: string[] = [`${run.model}, run #${run.number}:`];
  if (returns !== null) {
    const { bestDay, worstDay } = returns;
    const days =
      bestDay === null || worstDay === null
        ? ''
        : `, Best Day: ${pctSigned(bestDay.percent)} (${bestDay.date}), Worst Day: ${pctSigned(worstDay.percent)} (${worstDay.date})`;
    parts.push(
      `📈 Returns: Total Return: ${pctSigned(returns.totalPercent)} (${usdSigned(returns.profit)}: ` +
        `${usdSigned(run.realised)} realised, ${usdSigned(run.unrealised)} open, ${usd(run.fees)} fees)${days}.`,
    );
  }
  if (risk !== null) parts.push(riskText(risk));
  if (ratios !== null) {
    const why = ratios.whyNot === null ? '' : ` (missing because ${ratios.whyNot})`;
    parts.push(
      `⚖️ Ratios: Sharpe: ${ratio(ratios.sharpe)}, Sortino: ${ratio(ratios.sortino)}${why}.`,
    );
  }
  parts.push(`Figures are ${basis.words}.`);
  if (run.cut !== null) parts.push(run.cut);
  return parts.join('\n');
}

function riskText(risk: NonNullable<Metrics['risk']>): string {
  const { drawdown, exposure } = risk;
  const deepest =
    drawdown === null
      ? 'Max Drawdown: none'
      : `Max Drawdown: ${fall(drawdown.percent)} (${usd(drawdown.amount)}, ${stamp(drawdown.peak.at)} to ` +
        `${stamp(drawdown.trough.at)} UTC, ${drawdown.recoveredAt === null ? 'not recovered' : `recovered ${stamp(drawdown.recoveredAt)}`})`;
  return (
    `🛡️ Risk: Volatility: ${pct(risk.volatilityPercent, 2)} a year (${pct(risk.volatilityPerDayPercent, 2)} a day), ` +
    `${deepest}, Exposure: ${pct(exposure.averagePercent)} on average, ${pct(exposure.nowPercent)} now.`
  );
}

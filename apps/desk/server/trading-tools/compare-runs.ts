// `compare_runs` and `list_runs`: runs beside each other, and which there are. Pure.

import { listed, plural } from '../agents/phrasing/words.ts';
import { maximumDrawdown } from '../figures/drawdown.ts';
import { exposureOf } from '../figures/exposure.ts';
import { periodReturns, spanOf, totalReturn } from '../figures/returns.ts';
import { sharpe, volatility } from '../figures/risk.ts';
import { byProfit, tradeStatistics } from '../figures/trade-statistics.ts';
import { toDollars } from '../market/money.ts';
import type { RunRecord, RunSummary } from '../run-record/run-record.ts';
import type { Answer } from './analyze-trades.ts';
import { fall, pct, pctSigned, ratio, usd, usdSigned } from './figures-in-words.ts';
import {
  decisionsOf,
  headOf,
  percentOf,
  ratioOf,
  statisticsLine,
  toPercent,
  tradeLine,
} from './lines.ts';
import type { Compared, Comparison, RunList } from './results.ts';

const MAX_TEXT_RUNS = 10;

export function compareRuns(
  records: readonly RunRecord[],
  missing: readonly string[],
): Answer<Comparison> {
  const runs = records
    .map(comparedOf)
    .toSorted((one, other) => (other.run.returnPercent ?? 0) - (one.run.returnPercent ?? 0));
  const data: Comparison = { kind: 'comparison', runs, missing: [...missing] };
  const lines = runs.map(
    ({ label, run, statistics, sharpe: earned, maximumDrawdownPercent }) =>
      `${label}: ${pctSigned(run.returnPercent)} (${usdSigned(run.profit)}), Sharpe ${ratio(earned)}, ` +
      `drawdown ${fall(maximumDrawdownPercent)}, ${plural(statistics.trades, 'trade')}, ` +
      `${pct(statistics.winRatePercent)} won, ${usd(run.fees)} fees`,
  );
  const gone = missing.length > 0 ? [`Not found: ${listed(missing)}.`] : [];
  return { text: ['⚖️ Comparison:', ...lines, ...gone].join('\n'), data };
}

function comparedOf(record: RunRecord): Compared {
  const { run, trades, equity } = record;
  const [returns, span] = [periodReturns(equity), spanOf(equity)];
  const sorted = byProfit(trades);
  const decisions = decisionsOf(record);
  const lineOf = (trade: (typeof trades)[number] | undefined) =>
    trade === undefined ? null : tradeLine(trade, decisions);
  return {
    label: `${run.modelName} #${run.number}`,
    run: headOf(record),
    statistics: statisticsLine(tradeStatistics(trades)),
    sharpe: ratioOf(sharpe(returns, span)),
    volatilityPercent: percentOf(volatility(returns, span)),
    maximumDrawdownPercent: toPercent(maximumDrawdown(equity)?.ratio ?? 0),
    averageExposurePercent: percentOf(exposureOf(equity).average),
    ...{ best: lineOf(sorted.at(-1)), worst: lineOf(sorted[0]) },
  };
}

export function listRuns(
  summaries: readonly RunSummary[],
  options: { readonly focusId: string | null; readonly isCut: boolean },
): Answer<RunList> {
  const runs = summaries.map((run) => ({
    ...{ id: run.id, modelId: run.modelId, model: run.modelName, strategy: run.strategy },
    ...{ number: run.number, status: run.status, from: run.startedAt, to: run.updatedAt },
    equity: toDollars(run.equity),
    profit: toDollars(run.equity - run.startingCash),
    returnPercent: percentOf(totalReturn(run.startingCash, run.equity)),
    ...{ fills: run.fillCount, rules: run.ruleCount, isFocus: run.id === options.focusId },
  }));
  const models = [...Map.groupBy(summaries, ({ modelId }) => modelId).values()].flatMap((of) => {
    const [first] = of;
    if (first === undefined) return [];
    const { modelId: id, modelName: name, strategy } = first;
    return [{ id, name, strategy, runs: of.length }];
  });
  const data: RunList = { kind: 'run_list', runs, models, isCut: options.isCut };
  if (runs.length === 0) return { text: 'There are no runs yet.', data };
  const lines = runs
    .slice(0, MAX_TEXT_RUNS)
    .map(
      (run) =>
        `${run.model} #${run.number} (${run.status}${run.isFocus ? ', this one' : ''}): ${pctSigned(run.returnPercent)}, ` +
        `${plural(run.fills, 'fill')}, ${plural(run.rules, 'rule')}`,
    );
  const rest = runs.length - lines.length;
  const more = rest > 0 || options.isCut ? ['…'] : [];
  return {
    text: [
      `📋 ${plural(runs.length, 'run')} of ${plural(models.length, 'model')}:`,
      ...lines,
      ...more,
    ].join('\n'),
    data,
  };
}

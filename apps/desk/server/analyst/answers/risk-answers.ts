// Answers about risk: how much it swings, how deep it fell and why, what is at stake now. Pure.
import { listed, plural } from '../../agents/phrasing/words.ts';
import {
  fall,
  pct,
  pctSigned,
  ratio,
  stamp,
  usd,
  usdSigned,
} from '../../trading-tools/figures-in-words.ts';
import type { Metrics, TradeAnalysis } from '../../trading-tools/results.ts';
import { blocks, next, plain, table } from './markdown.ts';
import { positionTable } from './position-table.ts';
import { cutNote, runName, tradeReasons, tradeTable } from './trade-lines.ts';

export function riskAnswer(
  { run, risk, ratios, basis }: Metrics,
  trades: TradeAnalysis | null,
): string {
  if (risk === null) return '';
  const { exposure, drawdown, positions } = risk;
  const [largest] = positions;
  const rows: (readonly string[])[] = [
    [
      'Volatility',
      `${pct(risk.volatilityPercent)} a year, ${pct(risk.volatilityPerDayPercent, 2)} a day`,
    ],
    [
      'Deepest fall',
      drawdown === null ? 'none' : `${fall(drawdown.percent)} (${usd(drawdown.amount)})`,
    ],
    ['Below its high now', fall(risk.currentDrawdownPercent)],
    [
      'Invested',
      `${pct(exposure.averagePercent, 0)} on average, ${pct(exposure.highestPercent, 0)} at most, ${pct(exposure.nowPercent, 0)} now`,
    ],
    ['Time in the market', pct(exposure.timeInMarketPercent, 0)],
  ];
  if (largest !== undefined) {
    rows.push([
      'Largest position',
      `${plain(largest.symbol)}, ${usd(largest.value)} (${pct(largest.sharePercent)} of equity)`,
    ]);
  }
  if (ratios !== null) {
    rows.push(['Sharpe / Sortino', `${ratio(ratios.sharpe)} / ${ratio(ratios.sortino)}`]);
  }
  const worst = trades?.worst[0];
  if (worst !== undefined) {
    rows.push([
      'Worst trade',
      `${worst.id} ${plain(worst.symbol)}, ${usdSigned(worst.profit)} (${pctSigned(worst.profitPercent)} on cost)`,
    ]);
  }
  return blocks(
    `## How risky ${runName(run)} is`,
    verdict(risk),
    table(['Measure', 'Value'], 'll', rows),
    `Figures are ${basis.words}. ${basis.length < 20 ? 'So short a time says little about a year.' : ''}`.trim(),
    run.rules.length === 0
      ? 'No rule limits it now.'
      : `Rules in force: ${run.rules.map(plain).join('; ')}.`,
    cutNote(run),
    next('When was the drawdown, and why?', 'What rule would lower the risk?'),
  );
}

function verdict({
  volatilityPercent,
  drawdown,
  exposure,
  positions,
}: NonNullable<Metrics['risk']>): string {
  const swing = volatilityPercent ?? 0;
  const word = swing < 5 ? 'calm' : swing < 15 ? 'moderate' : swing < 30 ? 'lively' : 'wild';
  const top = positions[0]?.sharePercent ?? 0;
  const parts = [
    `a ${word} curve (${pct(volatilityPercent)} volatility a year)`,
    drawdown === null ? 'no fall so far' : `a worst fall of ${pct(drawdown.percent, 2)}`,
    (exposure.nowPercent ?? 0) > 90
      ? 'almost no cash held back now'
      : `${pct(100 - (exposure.nowPercent ?? 0), 0)} in cash now`,
  ];
  const concentration =
    top >= 25
      ? ` The main risk is concentration: ${plural(positions.length, 'position')}, the largest ${pct(top, 0)} of equity, so one bad move in ${plain(positions[0]?.symbol ?? '')} of 5% would cost ${pct(top * 0.05, 2)}.`
      : '';
  return `In short: ${listed(parts)}.${concentration}`;
}

export function drawdownAnswer({ run, risk }: Metrics): string {
  const drawdown = risk?.drawdown ?? null;
  if (drawdown === null) {
    return blocks(
      `${runName(run)} has had **no drawdown**: its equity has never been below an earlier high.`,
      next('How risky is it?'),
    );
  }
  const { percent, amount, peak, trough, recoveredAt, trades, tradesProfit, worst } = drawdown;
  const open = -amount - tradesProfit;
  const closed =
    trades === 0
      ? 'No trade was closed on the way down: all of it is open positions losing value.'
      : `${plural(trades, 'trade')} closed on the way down came to ${usdSigned(tradesProfit)}; the other ${usdSigned(open)} is open positions changing in value (and the fees of opening them).`;
  return blocks(
    `## The deepest fall: ${fall(percent)}`,
    `${runName(run)} fell **${usd(amount)}**, from ${usd(peak.equity)} to ${usd(trough.equity)}.`,
    table(['', 'When (UTC)', 'Equity'], 'llr', [
      ['High before it', stamp(peak.at), usd(peak.equity)],
      ['Low', stamp(trough.at), usd(trough.equity)],
      recoveredAt === null
        ? [
            'Now',
            `${stamp(run.to)}, not made good`,
            `${usd(run.equity)} (${fall(risk?.currentDrawdownPercent ?? 0)})`,
          ]
        : ['Made good', stamp(recoveredAt), usd(peak.equity)],
    ]),
    '### Why',
    closed,
    worst.length > 0 ? tradeTable(worst) : null,
    tradeReasons(worst),
    cutNote(run),
    next('What rule would have helped?', 'What were the worst trades?'),
  );
}

export function ratiosAnswer({ run, risk, ratios, returns, basis }: Metrics): string {
  if (ratios === null) return '';
  const { sharpe, sortino, whyNot } = ratios;
  const isBetterDown = sharpe !== null && sortino !== null && sortino > sharpe * 1.2;
  return blocks(
    `## ${runName(run)}: Sharpe ${ratio(sharpe)}, Sortino ${ratio(sortino)}`,
    whyNot === null ? null : `What is missing can't be reckoned because ${whyNot}.`,
    table(['Figure', 'Value'], 'lr', [
      ['Sharpe ratio', ratio(sharpe)],
      ['Sortino ratio', ratio(sortino)],
      ['Volatility a year', pct(risk?.volatilityPercent ?? null)],
      ['Volatility a day', pct(risk?.volatilityPerDayPercent ?? null, 2)],
      ['Total return', pctSigned(run.returnPercent)],
      ['Average day', pctSigned(returns?.averageDayPercent ?? null)],
      ['Deepest fall', fall(risk?.drawdown?.percent ?? 0)],
    ]),
    sharpe === null
      ? null
      : sharpe < 0
        ? 'A Sharpe ratio below 0 means that the swings were not paid for: it lost over the time.'
        : `Return for each unit of swing is ${sharpe > 2 ? 'high' : sharpe > 1 ? 'good' : 'modest'}${isBetterDown ? '; Sortino is well above Sharpe, so much of the swinging was upwards' : ''}.`,
    `Figures are ${basis.words}. ${basis.length < 20 ? 'From so few sessions they are large and uncertain: compare runs by them, but do not count on them.' : ''}`.trim(),
    cutNote(run),
    next('How risky is it?', 'Compare all models.'),
  );
}

export function positionsAnswer(trades: TradeAnalysis, metrics: Metrics | null): string {
  const { run, positions } = trades;
  const exposure = metrics?.risk?.exposure;
  if (positions.length === 0) {
    return blocks(
      `${runName(run)} holds **nothing** now: all of its ${usd(run.cash)} is in cash.`,
      exposure === undefined
        ? null
        : `On average ${pct(exposure.averagePercent, 0)} of its equity was invested.`,
      next('What did it do last?'),
    );
  }
  const value = positions.reduce((sum, one) => sum + one.value, 0);
  return blocks(
    `## What ${runName(run)} holds: ${plural(positions.length, 'position')}, ${usd(value)}`,
    positionTable(positions),
    `${usdSigned(run.unrealised)} against cost is not realised yet. ${usd(run.cash)} is in cash, of ${usd(run.equity)} equity.` +
      (exposure === undefined
        ? ''
        : ` It is ${pct(exposure.nowPercent, 1)} invested now, ${pct(exposure.averagePercent, 1)} on average.`),
    next('How risky is it?', 'What did it do last, and why?'),
  );
}

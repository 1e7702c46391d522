// What made a run's result, the weightiest first: the analyst's own reading of the figures. Pure.
import { listed, plural } from '../../agents/phrasing/words.ts';
import { pct, ratio, usd, usdSigned } from '../../trading-tools/figures-in-words.ts';
import type { GroupLine, TradeAnalysis } from '../../trading-tools/results.ts';
import { plain } from './markdown.ts';
import { cited, hourName } from './trade-lines.ts';

interface Driver {
  readonly kind: 'rate' | 'symbol' | 'hour' | 'ending' | 'fees' | 'open' | 'streak' | 'few';
  readonly text: string;
  /** Dollars that hang on it. */
  readonly weight: number;
}

/** Fewer trades than this say nothing about a rate. */
const LEAST_TRADES = 5;
/** A part of the result worth naming. */
const NOTABLE = 0.15;

/** @param lean what is looked for: what lost, or what made money */
export function driversOf(
  seen: TradeAnalysis,
  lean: 'lost' | 'made',
  {
    most = 4,
    without = [],
  }: { readonly most?: number; readonly without?: readonly Driver['kind'][] } = {},
): readonly string[] {
  const found = [
    rateDriver(seen),
    symbolDriver(seen, lean),
    hourDriver(seen, lean),
    endingDriver(seen, lean),
    feeDriver(seen),
    openDriver(seen),
    streakDriver(seen, lean),
    fewDriver(seen, lean),
  ]
    .filter((driver) => driver !== null)
    .filter(({ kind }) => !without.includes(kind));
  return found
    .toSorted((one, other) => other.weight - one.weight)
    .slice(0, most)
    .map(({ text }) => text);
}

function rateDriver({ statistics: seen }: TradeAnalysis): Driver | null {
  const { winRatePercent, breakEvenWinRatePercent, averageWin, averageLoss, trades, wins } = seen;
  if (trades < LEAST_TRADES || winRatePercent === null) return null;
  if (breakEvenWinRatePercent === null || averageWin === null || averageLoss === null) {
    const text =
      wins === trades
        ? `**It never lost.** All ${trades} closed trades won, ${usd(averageWin ?? 0)} on average.`
        : `**Nothing won.** All ${trades} closed trades lost, ${usd(-(averageLoss ?? 0))} on average.`;
    return { kind: 'rate', text, weight: Math.abs(seen.profit) };
  }
  const isEnough = winRatePercent >= breakEvenWinRatePercent;
  const isLarger = averageWin >= -averageLoss;
  const head = isEnough
    ? isLarger
      ? 'Its wins are larger than its losses.'
      : 'It wins often enough to carry larger losses.'
    : isLarger
      ? 'It wins too rarely.'
      : 'Its losses are larger than its wins.';
  return {
    kind: 'rate',
    text:
      `**${head}** ${wins} of ${trades} trades won (${pct(winRatePercent)}). With ${usd(averageWin)} won and ` +
      `${usd(-averageLoss)} lost on average, ${pct(breakEvenWinRatePercent)} would come out even.`,
    weight: Math.abs(seen.profit) + 0.01,
  };
}

function symbolDriver(
  { patterns, statistics }: TradeAnalysis,
  lean: 'lost' | 'made',
): Driver | null {
  const group = extreme(patterns.symbols, lean);
  if (group === null || patterns.symbols.length < 2) return null;
  const { key, trades, winRatePercent, profit } = group;
  const without = statistics.profit - profit;
  const head = lean === 'lost' ? 'cost most' : 'brought most';
  return {
    kind: 'symbol',
    text:
      `**${plain(key)} ${head}:** ${usdSigned(profit)} over ${plural(trades, 'trade')}, ${pct(winRatePercent, 0)} of them won. ` +
      `Without it, closed trades would stand at ${usdSigned(without)} in place of ${usdSigned(statistics.profit)}.`,
    weight: Math.abs(profit),
  };
}

function hourDriver({ patterns }: TradeAnalysis, lean: 'lost' | 'made'): Driver | null {
  const group = extreme(
    patterns.hours.filter(({ trades }) => trades >= 3),
    lean,
  );
  if (group === null || patterns.hours.length < 2) return null;
  const { key, trades, winRatePercent, profit } = group;
  return {
    kind: 'hour',
    text:
      `**The time of day:** ${plural(trades, 'trade')} opened ${hourName(key)} UTC came to ${usdSigned(profit)}, ` +
      `${pct(winRatePercent, 0)} of them won.`,
    weight: Math.abs(profit) * 0.9,
  };
}

function endingDriver({ patterns }: TradeAnalysis, lean: 'lost' | 'made'): Driver | null {
  const group = extreme(patterns.endings, lean);
  if (group === null || patterns.endings.length < 2) return null;
  const others = patterns.endings.filter(({ key }) => key !== group.key);
  const each = others
    .slice(0, 2)
    .map(
      ({ key, trades, profit }) => `${plural(trades, 'trade')} by “${key}” ${usdSigned(profit)}`,
    );
  return {
    kind: 'ending',
    text:
      `**How trades ended:** ${plural(group.trades, 'trade')} by “${group.key}” came to ${usdSigned(group.profit)}, ` +
      `${pct(group.winRatePercent, 0)} of them won; ${listed(each)}.`,
    weight: Math.abs(group.profit) * 0.75,
  };
}

function feeDriver({ run }: TradeAnalysis): Driver | null {
  const gross = Math.abs(run.realised + run.unrealised);
  if (run.fees === 0 || run.fees < gross * NOTABLE) return null;
  const turned = run.realised + run.unrealised > 0 && run.profit < 0;
  return {
    kind: 'fees',
    text: turned
      ? `**Fees turned it:** before them it was ${usdSigned(run.realised + run.unrealised)}, and ${usd(run.fees)} went to the exchange.`
      : `**Fees:** ${usd(run.fees)} over ${plural(run.fills, 'fill')}, against ${usdSigned(run.realised)} that closed trades brought before them.`,
    weight: turned ? run.fees * 2 : run.fees,
  };
}

function openDriver({ run, positions }: TradeAnalysis): Driver | null {
  if (Math.abs(run.unrealised) < Math.abs(run.profit) * NOTABLE || positions.length === 0) {
    return null;
  }
  const [largest] = positions.toSorted(
    (one, other) => Math.abs(other.unrealised) - Math.abs(one.unrealised),
  );
  const most =
    largest === undefined
      ? ''
      : `, ${plain(largest.symbol)} alone ${usdSigned(largest.unrealised)}`;
  return {
    kind: 'open',
    text:
      `**Not closed yet:** ${plural(positions.length, 'open position')} stand at ${usdSigned(run.unrealised)} ` +
      `against cost${most}. That is on paper and moves with the market.`,
    weight: Math.abs(run.unrealised),
  };
}

function streakDriver({ streaks }: TradeAnalysis, lean: 'lost' | 'made'): Driver | null {
  const streak = lean === 'lost' ? streaks.longestLoss : streaks.longestWin;
  if (streak === null || streak.length < LEAST_TRADES) return null;
  return {
    kind: 'streak',
    text: `**A streak:** ${streak.length} ${lean === 'lost' ? 'losses' : 'wins'} in a row, ${streak.from} to ${streak.to}, came to ${usdSigned(streak.profit)}.`,
    weight: Math.abs(streak.profit) * 0.8,
  };
}

/** A few trades that made most of it. */
function fewDriver(seen: TradeAnalysis, lean: 'lost' | 'made'): Driver | null {
  const list = (lean === 'lost' ? seen.worst : seen.best).slice(0, 3);
  const { averageWin, averageLoss, wins, losses, trades } = seen.statistics;
  const total = lean === 'lost' ? (averageLoss ?? 0) * losses : (averageWin ?? 0) * wins;
  const sum = list.reduce((all, { profit }) => all + profit, 0);
  if (list.length < 3 || trades < 2 * LEAST_TRADES || total === 0) return null;
  const part = (sum / total) * 100;
  if (part < 30) return null;
  return {
    kind: 'few',
    text: `**A few trades:** ${list.map(cited).join(', ')} are ${pct(part, 0)} of all that was ${lean === 'lost' ? 'lost' : 'won'}.`,
    weight: Math.abs(sum) * 0.7,
  };
}

function extreme(groups: readonly GroupLine[], lean: 'lost' | 'made'): GroupLine | null {
  const sign = lean === 'lost' ? -1 : 1;
  const [top] = groups.toSorted((one, other) => sign * (other.profit - one.profit));
  return top !== undefined && sign * top.profit > 0 ? top : null;
}

/** `1.29 dollars won for each dollar lost`. */
export function profitFactorWords(factor: number | null): string {
  return factor === null ? 'n/a' : `${ratio(factor)} ($${ratio(factor)} won for each dollar lost)`;
}

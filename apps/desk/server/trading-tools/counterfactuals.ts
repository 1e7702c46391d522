// What a run's closed trades would have brought under a rule, one reckoning for each kind of rule: the setting that would
// have saved most, or why none would. Pure.
//
// It is hindsight: fitted to the trades it is judged by, and money that a rule keeps back is taken to lie idle.
import { listed, money, plural } from '../agents/phrasing/words.ts';
import { meanOf } from '../figures/figure.ts';
import { groupsBy, symbolOf } from '../figures/patterns.ts';
import type { Money } from '../market/money.ts';
import type { TradingRule } from '../market/rule.ts';
import type { ClosedTrade, EquityAt, RunRecord } from '../run-record/run-record.ts';

export type RuleKind = TradingRule['kind'];

export interface Counterfactual {
  readonly rule: TradingRule;
  /** A sentence: what in the trades speaks for it. */
  readonly because: string;
  /** In units of money: more than nothing. */
  readonly saved: Money;
  /** Those that would have come out otherwise. */
  readonly affected: readonly ClosedTrade[];
  readonly method: string;
}

/** A kind that would not have helped: why, as a sentence. */
export type Reckoned = Counterfactual | { readonly saved: null; readonly why: string };

const HINDSIGHT =
  'Counterfactual on the closed trades of this run alone; money kept back lies idle.';

/** A rule that drops more of the trades than this has found another strategy, not a limit. */
const MOST_DROPPED = 0.5;

/** Levels that a person would set. */
const STOP_PERCENTS = [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 5, 7.5, 10];
const DAILY_LOSS_PERCENTS = [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5];
const POSITION_PERCENTS = [5, 10, 15, 20, 25, 33, 50];

/** Best setting of each kind that can be reckoned from closed trades. */
export const RECKONINGS: Readonly<Partial<Record<RuleKind, (record: RunRecord) => Reckoned>>> = {
  stop_loss: stopLoss,
  allowed_symbols: allowedSymbols,
  trading_hours: tradingHours,
  max_trades_per_day: maxTradesPerDay,
  max_daily_loss: maxDailyLoss,
  max_position: maxPosition,
};

/**
 * Prices between entry and exit are not kept with a run. A trade that ended below the stop is cut there, for certain. One
 * that ended above may have touched it on the way: for a random walk from 0 to its return r in its time the chance is
 * exp(-2p(p + r) / v) (the minimum of a Brownian bridge; Karatzas & Shreve, *Brownian Motion and Stochastic Calculus*,
 * §4.3), where v is the run's own variance of returns for a time so long.
 */
function stopLoss({ trades }: RunRecord): Reckoned {
  const longs = trades.flatMap((trade) =>
    trade.direction === 'long' && trade.cost > 0 && trade.heldMs !== null && trade.heldMs > 0
      ? [{ trade, back: trade.gross / trade.cost, ms: trade.heldMs }]
      : [],
  );
  if (longs.length < 5) return no('there are too few trades with a known time to reckon it.');
  const variancePerMs = meanOf(longs.map(({ back, ms }) => back ** 2 / ms));
  const outcomes = STOP_PERCENTS.map((percent) => {
    const stop = percent / 100;
    const cut = longs.filter(({ back }) => back < -stop);
    const certain = cut.reduce((sum, { back, trade }) => sum + (-back - stop) * trade.cost, 0);
    const risked = longs
      .filter(({ back }) => back >= -stop)
      .reduce((sum, { back, trade, ms }) => {
        const chance = Math.exp((-2 * stop * (stop + back)) / (variancePerMs * ms));
        return sum + chance * (back + stop) * trade.cost;
      }, 0);
    return { percent, cut, certain: Math.round(certain), net: Math.round(certain - risked) };
  });
  const best = mostOf(outcomes, ({ net, cut }) => (cut.length > 0 ? net : 0));
  if (best === undefined) {
    return no('it would have closed as much by trades that dipped and came back as it saved.');
  }
  const { percent, cut, certain, net } = best;
  const given = money(certain - net);
  return {
    rule: { id: `stop-loss-${percent}`, kind: 'stop_loss', percent },
    because: `${plural(cut.length, 'trade')} ended more than ${percent}% below cost.`,
    saved: net,
    affected: cut.map(({ trade }) => trade),
    method: `${HINDSIGHT} Prices within a trade are not kept: of the saving, ${given} is taken off for trades that probably touched the stop and came back.`,
  };
}

function allowedSymbols(record: RunRecord): Reckoned {
  const groups = groupsBy(record.trades, symbolOf);
  const few = Math.max(1, Math.floor(groups.length / 3));
  const bad = groups
    .filter(({ statistics }) => statistics.profit < 0 && statistics.count >= 3)
    .toSorted((one, other) => one.statistics.profit - other.statistics.profit)
    .slice(0, few);
  if (bad.length === 0) return no('no symbol with three trades or more lost money.');
  const all = [...new Set(record.executions.map(({ symbol }) => symbol))].toSorted();
  const barred = new Set(bad.map(({ key }) => key));
  const symbols = all.filter((symbol) => !barred.has(symbol));
  if (symbols.length === 0) return no('every symbol lost money: nothing would be left to trade.');
  const affected = bad.flatMap(({ trades }) => trades);
  return {
    rule: { id: 'allowed-symbols', kind: 'allowed_symbols', symbols },
    because: `${listed(bad.map(({ key }) => key))} lost money over ${plural(affected.length, 'trade')}.`,
    saved: -profitOf(affected),
    affected,
    method: HINDSIGHT,
  };
}

function tradingHours({ trades }: RunRecord): Reckoned {
  const opened = trades.flatMap((trade) =>
    trade.opened === null ? [] : [{ trade, hour: Number(trade.opened.at.slice(11, 13)) }],
  );
  const hours = [...new Set(opened.map(({ hour }) => hour))].toSorted((a, b) => a - b);
  const [first, last] = [hours[0], hours.at(-1)];
  if (first === undefined || last === undefined || hours.length < 2) {
    return no('it opened trades in one hour of the day only.');
  }
  const windows = hours.flatMap((from) =>
    hours.filter((until) => until >= from).map((until) => ({ from, to: until + 1 })),
  );
  const all = windows.map(({ from, to }) => {
    const outside = opened
      .filter(({ hour }) => hour < from || hour >= to)
      .map(({ trade }) => trade);
    return { from, to, outside, saved: -profitOf(outside) };
  });
  const outcomes = all.filter(({ outside }) => outside.length <= opened.length * MOST_DROPPED);
  const best = mostOf(outcomes, ({ saved }) => saved);
  if (best === undefined) return no('no part of the day lost money on the whole.');
  const { from, to, outside, saved } = best;
  const clock = (hour: number): string =>
    hour >= 24 ? '23:59' : `${String(hour).padStart(2, '0')}:00`;
  return {
    rule: {
      id: `trading-hours-${from}-${to}`,
      kind: 'trading_hours',
      from: clock(from),
      to: clock(to),
    },
    because: `${plural(outside.length, 'trade')} opened outside ${clock(from)} to ${clock(to)} UTC lost money on the whole.`,
    saved,
    affected: outside,
    method: `${HINDSIGHT} The rule holds back sales outside the hours, too, which is not reckoned.`,
  };
}

/** A round trip is two orders that trade, and the exchange counts orders. */
function maxTradesPerDay({ trades }: RunRecord): Reckoned {
  const byDay = Map.groupBy(
    trades.filter(({ opened }) => opened !== null),
    ({ opened }) => opened?.at.slice(0, 10) ?? '',
  );
  const days = [...byDay.values()].map((list) =>
    list.toSorted((one, other) => ((one.opened?.at ?? '') < (other.opened?.at ?? '') ? -1 : 1)),
  );
  const most = days.reduce((top, { length }) => Math.max(top, length), 0);
  if (most < 2) return no('it never made more than one round trip a day.');
  const all = Array.from({ length: most - 1 }, (_, n) => n + 1).map((kept) => {
    const dropped = days.flatMap((list) => list.slice(kept));
    return { kept, dropped, saved: -profitOf(dropped) };
  });
  const outcomes = all.filter(({ dropped }) => dropped.length <= trades.length * MOST_DROPPED);
  const best = mostOf(outcomes, ({ saved }) => saved);
  if (best === undefined) return no('its later trades of a day did not lose money on the whole.');
  const { kept, dropped, saved } = best;
  return {
    rule: { id: `max-trades-${2 * kept}`, kind: 'max_trades_per_day', trades: 2 * kept },
    because: `${plural(dropped.length, 'trade')} after the first ${kept} round trips of a day lost money on the whole.`,
    saved,
    affected: dropped,
    method: `${HINDSIGHT} Each round trip counts as two orders.`,
  };
}

function maxDailyLoss({ trades, equity }: RunRecord): Reckoned {
  const days = Map.groupBy(equity, ({ at }) => at.slice(0, 10));
  const all = DAILY_LOSS_PERCENTS.map((percent) => {
    const hitAt = new Map<string, string>();
    let open = equity[0]?.equity ?? 0;
    for (const [day, points] of days) {
      const hit = points.find((point) => point.equity <= open * (1 - percent / 100));
      if (hit !== undefined) hitAt.set(day, hit.at);
      open = points.at(-1)?.equity ?? open;
    }
    const dropped = trades.filter(({ opened }) => {
      const hit = opened === null ? undefined : hitAt.get(opened.at.slice(0, 10));
      return opened !== null && hit !== undefined && opened.at > hit;
    });
    return { percent, dropped, hits: hitAt.size, saved: -profitOf(dropped) };
  });
  const outcomes = all.filter(({ dropped }) => dropped.length <= trades.length * MOST_DROPPED);
  const best = mostOf(outcomes, ({ saved }) => saved);
  if (best === undefined) return no('trades opened after a bad start of a day did not lose more.');
  const { percent, dropped, hits, saved } = best;
  return {
    rule: { id: `max-daily-loss-${percent}`, kind: 'max_daily_loss', percent },
    because: `On ${plural(hits, 'day')} the equity fell ${percent}% below the opening, and ${plural(dropped.length, 'trade')} opened after that lost money on the whole.`,
    saved,
    affected: dropped,
    method: HINDSIGHT,
  };
}

/** What is above the limit is taken off a trade in proportion, profit and fees alike. */
function maxPosition({ trades, equity, run }: RunRecord): Reckoned {
  const sized = trades.flatMap((trade) => {
    const worth = equityAt(equity, trade.opened?.at ?? null) ?? run.startingCash;
    return worth > 0 ? [{ trade, percent: (trade.cost / worth) * 100 }] : [];
  });
  const outcomes = POSITION_PERCENTS.map((limit) => {
    const above = sized.filter(({ percent }) => percent > limit);
    const saved = above.reduce(
      (sum, { trade, percent }) => sum - Math.round(trade.profit * (1 - limit / percent)),
      0,
    );
    return { limit, affected: above.map(({ trade }) => trade), saved };
  });
  const best = mostOf(outcomes, ({ saved }) => saved);
  if (best === undefined) return no('its large trades did not lose money on the whole.');
  const { limit, affected, saved } = best;
  return {
    rule: { id: `max-position-${limit}`, kind: 'max_position', percentOfEquity: limit },
    because: `${plural(affected.length, 'trade')} took more than ${limit}% of equity and lost money on the whole.`,
    saved,
    affected,
    method: `${HINDSIGHT} Larger trades are scaled down in proportion.`,
  };
}

function no(why: string): Reckoned {
  return { saved: null, why };
}

/** Of equal ones the first; undefined where none is above nothing. */
function mostOf<One>(list: readonly One[], of: (one: One) => number): One | undefined {
  let most: One | undefined;
  for (const one of list) if (of(one) > (most === undefined ? 0 : of(most))) most = one;
  return most;
}

function profitOf(trades: readonly ClosedTrade[]): Money {
  return trades.reduce((sum, { profit }) => sum + profit, 0);
}

function equityAt(points: readonly EquityAt[], at: string | null): Money | null {
  if (at === null) return null;
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.at ?? '') <= at) low = middle + 1;
    else high = middle;
  }
  return points[low - 1]?.equity ?? null;
}

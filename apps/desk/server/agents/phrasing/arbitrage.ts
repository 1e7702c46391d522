// The arbitrage agent's voice: dry and exact. Counts basis points and says when there are none.
import type { Money } from '../../market/money.ts';
import type { ArbitrageReasoning } from '../../market/reasoning.ts';
import { type Situation, type Topic, topic } from './topic.ts';
import type { Trade } from './trades.ts';
import { basisPoints, clock, money, plural, share, venueName, whole } from './words.ts';

export function arbitrageTopics(situation: Situation, seen: ArbitrageReasoning): Topic[] {
  return [...tripTopics(situation), ...gapTopics(seen), ...recordTopics(situation)];
}

interface Trip {
  readonly bought: Trade;
  readonly sold: Trade;
  readonly profit: Money;
}

/** Both legs belong to one decision; what is left over from a leg is not a round trip. */
function tripsOf(trades: readonly Trade[]): Trip[] {
  return trades.flatMap((bought): Trip[] => {
    if (bought.side !== 'buy') return [];
    const sold = trades.find(
      (trade) =>
        trade.side === 'sell' &&
        trade.decisionId === bought.decisionId &&
        trade.symbol === bought.symbol &&
        trade.quantity === bought.quantity,
    );
    if (sold === undefined) return [];
    return [{ bought, sold, profit: sold.realised - bought.fee - sold.fee }];
  });
}

function tripTopics({ trades, tick }: Situation): Topic[] {
  const trips = tripsOf(trades);
  const last = trips.at(-1);
  if (last === undefined) return [];
  const { bought, sold, profit } = last;
  const { symbol } = bought;
  const shares = plural(bought.quantity, 'share');
  const [from, to] = [venueName(bought.venue), venueName(sold.venue)];
  const fees = money(bought.fee + sold.fee);
  const [paid, got] = [money(bought.averagePrice), money(sold.averagePrice)];
  const at = clock(bought.time);
  const topics = [
    topic(
      'trade',
      'trip',
      [
        `${at}: bought ${shares} of ${symbol} at ${paid} on ${from} and sold them at ${got} on ` +
          `${to} in the same tick. After ${fees} in fees that leaves ${money(profit)}.`,
        `${symbol} was ${money(sold.averagePrice - bought.averagePrice)} cheaper on ${from} than ` +
          `on ${to}. ${shares} both ways at ${at}, ${money(profit)} net.`,
        `Round trip in ${symbol} at ${at}: ${paid} on ${from}, ${got} on ${to}, ${shares}. ` +
          `Gross ${money(sold.realised)}, fees ${fees}, kept ${money(profit)}.`,
      ],
      tick - bought.tick < 30 ? 3 : 1,
    ),
  ];
  const symbols = new Set(trips.map((trip) => trip.bought.symbol));
  const total = trips.reduce((sum, trip) => sum + trip.profit, 0);
  const best = trips.toSorted((one, other) => other.profit - one.profit)[0];
  if (trips.length >= 3 && best !== undefined) {
    const name = best.bought.symbol;
    topics.push(
      topic('analysis', 'recent-trips', [
        `My last ${trips.length} round trips brought ${money(total)} net across ` +
          `${plural(symbols.size, 'instrument')}. The best was ${name} with ${money(best.profit)}.`,
        `${money(total)} from the last ${trips.length} round trips, so about ` +
          `${money(Math.round(total / trips.length))} each. Nothing here is large.`,
      ]),
    );
  }
  return topics;
}

function gapTopics(seen: ArbitrageReasoning): Topic[] {
  const { widest, thresholdBps, compared, feesBps } = seen;
  if (widest === null) return [];
  const way = `${venueName(widest.buyAt)} to ${venueName(widest.sellAt)}`;
  const need = basisPoints(thresholdBps);
  const net = basisPoints(widest.netBps);
  if (widest.grossBps <= 0) {
    return [
      topic('analysis', 'no-gap', [
        `No gap on ${compared} instruments. The closest is ${widest.symbol}, ${way}: it would ` +
          `${lossOf(widest)} before fees. I wait.`,
        `Both venues agree for now. Crossing ${widest.symbol} would ${lossOf(widest)}, and two fees ` +
          'come on top.',
        `Compared ${compared} instruments, found nothing that crosses. ${widest.symbol} at ask ` +
          `${money(widest.ask)} and bid ${money(widest.bid)} comes nearest.`,
      ]),
    ];
  }
  if (widest.netBps < thresholdBps) {
    return [
      topic('analysis', 'thin-gap', [
        `${widest.symbol} crosses by ${basisPoints(widest.grossBps)} (${way}), ${net} after fees. ` +
          `I ask for ${need}, so I leave it.`,
        `Widest gap: ${widest.symbol}, ${basisPoints(widest.grossBps)} gross. Two fees take ` +
          `${basisPoints(feesBps)} and what is left is under my ${need}.`,
      ]),
    ];
  }
  return [
    topic('analysis', 'open-gap', [
      `${widest.symbol} is open by ${basisPoints(widest.grossBps)} between the venues (${way}), ` +
        `${net} after fees. That clears my ${need}.`,
      `Gap in ${widest.symbol}: ask ${money(widest.ask)} on ${venueName(widest.buyAt)}, bid ` +
        `${money(widest.bid)} on ${venueName(widest.sellAt)}. Worth ${net} after fees.`,
    ]),
  ];
}

function lossOf({ grossBps }: { readonly grossBps: number }): string {
  return grossBps > -0.05 ? 'just break even' : `lose ${basisPoints(-grossBps)}`;
}

function recordTopics({ standing }: Situation): Topic[] {
  const { realised, fees, tally, holdings } = standing;
  if (tally.closings === 0) {
    return [
      topic('opinion', 'no-trades', [
        `No round trip yet, and ${money(standing.cash)} waiting. A gap that doesn't pay both fees is not a gap.`,
        `I have not traded yet. Standing still is free; a bad crossing is not.`,
      ]),
    ];
  }
  const topics: Topic[] = [];
  if (tally.closings >= 3) {
    topics.push(
      topic('opinion', 'record', [
        `${whole(tally.wins)} of my ${plural(tally.closings, 'closing fill')} made money before fees, ` +
          `${money(realised)} in all. Many small certainties instead of one large hope.`,
        `${money(realised)} captured before fees over ${plural(tally.closings, 'closing fill')}, and ` +
          `no view on where any price goes next. I only need two venues to disagree.`,
      ]),
    );
  }
  if (realised > 0 && fees > 0) {
    topics.push(
      topic('opinion', 'fee-share', [
        `Fees took ${money(fees)} of the ${money(realised)} I captured: ${share(fees / realised)}. ` +
          'They set my threshold more than the market does.',
        `The exchange earns with me: ${money(fees)} in fees against ${money(realised)} of gross ` +
          'profit. That is why I let thin gaps go.',
      ]),
    );
  }
  if (holdings.length === 0) {
    topics.push(
      topic('opinion', 'flat', [
        `I hold nothing between trades. ${money(standing.cash)} in cash, no price can hurt me.`,
        `Flat again, all ${money(standing.cash)} in cash. Whatever the market does next, it does without me.`,
      ]),
    );
  }
  return topics;
}

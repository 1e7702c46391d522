// The learned agent's voice: a sceptical statistician. Gives odds, costs, and its own error rate.
import type { Forecast, LearnedReasoning } from '../../market/reasoning.ts';
import { HISTORY } from '../strategies/learned-features.ts';
import { LOG_2 } from '../strategies/online-model.ts';
import { exposure } from './common.ts';
import { type Situation, type Topic, topic } from './topic.ts';
import { basisPoints, clock, money, plural, share, signedMoney, whole } from './words.ts';

export function learnedTopics(situation: Situation, seen: LearnedReasoning): Topic[] {
  return [
    ...forecastTopics(seen),
    ...modelTopics(seen),
    ...tradeTopics(situation, seen),
    ...recordTopics(situation),
  ];
}

function forecastTopics(seen: LearnedReasoning): Topic[] {
  const { forecasts, horizonTicks, marginBps } = seen;
  const [first, last] = [forecasts[0], forecasts.at(-1)];
  if (first === undefined || last === undefined) {
    return [
      topic('analysis', 'short-history', [
        `I want ${HISTORY} ticks of prices before I forecast anything, and have seen fewer.`,
        `My longest feature looks back ${HISTORY - 1} ticks, further than I have watched. No forecast yet.`,
      ]),
    ];
  }
  const odds = share(first.probabilityUp);
  const edge = basisPoints(first.edgeBps);
  const cost = basisPoints(first.costBps);
  const isWorth = first.edgeBps > first.costBps + marginBps;
  const verdict = isWorth ? 'That pays.' : `I ask for ${basisPoints(marginBps)} over cost, so: no.`;
  return [
    topic('analysis', 'best-forecast', [
      `Highest expectation: ${first.symbol}, ${odds} to be higher in ${horizonTicks} ticks. ` +
        `That is ${edge} expected against ${cost} for a round trip. ${verdict}`,
      `${first.symbol}: p(up) ${odds} over ${horizonTicks} ticks, expected ${edge}, cost ${cost}. ${verdict}`,
    ]),
    topic('analysis', 'worst-forecast', [
      `Least liked: ${last.symbol}, ${share(last.probabilityUp)} to be higher in ${horizonTicks} ticks ` +
        `(${basisPoints(last.edgeBps)}). I don't sell short, so this only tells me what not to own.`,
      `The forecasts run from ${share(last.probabilityUp)} (${last.symbol}) to ${odds} ` +
        `(${first.symbol}). ${spread(first, last)}`,
    ]),
  ];
}

function spread(first: Forecast, last: Forecast): string {
  const width = first.probabilityUp - last.probabilityUp;
  return width < 0.06 ? 'The model sees little difference today.' : 'The model has opinions today.';
}

function modelTopics(seen: LearnedReasoning): Topic[] {
  const { samples, hitRate, recentHitRate, recentLogLoss, isTrading } = seen;
  if (hitRate === null || recentHitRate === null || recentLogLoss === null) {
    return [
      topic('opinion', 'untrained', [
        `I have not been able to check a single forecast yet: the first outcome is known ` +
          `${seen.horizonTicks} ticks after it is made.`,
      ]),
    ];
  }
  const topics = [
    topic('opinion', 'hit-rate', [
      `${whole(samples)} forecasts checked, ${share(hitRate)} with the right sign; over about the ` +
        `last thousand ${share(recentHitRate)}. A coin has 50%.`,
      `Recent hit rate ${share(recentHitRate)}, all-time ${share(hitRate)} on ${whole(samples)} ` +
        'examples, each forecast made before its outcome was known.',
      `My recent log loss is ${recentLogLoss.toFixed(4)}, where knowing nothing costs ` +
        `${LOG_2.toFixed(4)}. ${verdictOn(recentLogLoss)}`,
    ]),
    ...weightTopics(seen),
  ];
  if (!isTrading) {
    const reason =
      samples < seen.leastSamples
        ? `${whole(samples)} of the ${whole(seen.leastSamples)} examples I want before trading`
        : `a recent hit rate of ${share(recentHitRate)}, under the ${share(seen.leastHitRate)} I ask for`;
    topics.push(
      topic(
        'opinion',
        'abstaining',
        [`I only watch for now: ${reason}.`, `Not trading on this model yet. I have ${reason}.`],
        2,
      ),
    );
  }
  return topics;
}

function verdictOn(logLoss: number): string {
  const better = LOG_2 - logLoss;
  return better > 0
    ? `Better than ignorance by ${better.toFixed(4)}.`
    : 'At the moment I would do better to say 50% to everything.';
}

function weightTopics(seen: LearnedReasoning): Topic[] {
  const heaviest = seen.weights.toSorted(
    (one, other) => Math.abs(other.weight) - Math.abs(one.weight),
  )[0];
  if (heaviest === undefined || heaviest.weight === 0) return [];
  const { feature, weight } = heaviest;
  const value = `${weight > 0 ? '+' : ''}${weight.toFixed(3)}`;
  const ticks = /^(move|market) (\d+)$/.exec(feature);
  const what = ticks?.[1] === 'market' ? 'the market as a whole' : 'a price';
  const meaning =
    ticks === null
      ? 'I did not choose that; the examples did.'
      : weight > 0
        ? `I learned that what ${what} did over ${plural(Number(ticks[2]), 'tick')} tends to go on.`
        : `I learned that what ${what} did over ${plural(Number(ticks[2]), 'tick')} tends to be undone.`;
  return [
    topic('analysis', 'weights', [
      `My heaviest weight is on "${feature}", ${value}. ${meaning}`,
      `After ${whole(seen.samples)} examples "${feature}" counts most (${value}). ${meaning}`,
    ]),
  ];
}

function tradeTopics({ trades, tick, standing }: Situation, seen: LearnedReasoning): Topic[] {
  const last = trades.at(-1);
  if (last === undefined) return [];
  const weight = tick - last.tick < 30 ? 3 : 1;
  const what = `${plural(last.quantity, 'share')} of ${last.symbol}`;
  const price = money(last.averagePrice);
  const at = clock(last.time);
  const action = standing.lastAction;
  const reasoning = action?.id === last.decisionId ? action.reasoning : undefined;
  const why = reasoning?.kind === 'learned' ? reasoning : undefined;
  if (last.side === 'buy') {
    const forecast = why?.bought.find(({ symbol }) => symbol === last.symbol);
    const odds =
      forecast === undefined
        ? ''
        : ` p(up) was ${share(forecast.probabilityUp)}, ${basisPoints(forecast.edgeBps)} expected ` +
          `against ${basisPoints(forecast.costBps)} of cost.`;
    return [
      topic(
        'trade',
        'bought',
        [
          `Bought ${what} at ${price} (${at}).${odds}`,
          `Long ${last.symbol} since ${at}, ${plural(last.quantity, 'share')} at ${price}.${odds}`,
        ],
        weight,
      ),
    ];
  }
  const sold = why?.sold.find(({ symbol }) => symbol === last.symbol);
  const because =
    sold === undefined
      ? ''
      : sold.because === 'turned'
        ? ` The forecast had turned to ${share(sold.probabilityUp)}.`
        : ` The ${seen.horizonTicks}-tick horizon was over and nothing argued for more.`;
  const result = `${signedMoney(last.realised)} before ${money(last.fee)} in fees`;
  return [
    topic(
      'trade',
      'sold',
      [
        `Sold ${what} at ${price} (${at}): ${result}.${because}`,
        `Closed ${last.symbol}, ${plural(last.quantity, 'share')} at ${price}, ${result}.${because}`,
      ],
      weight,
    ),
  ];
}

function recordTopics(situation: Situation): Topic[] {
  const { standing } = situation;
  const { wins, closings } = standing.tally;
  if (standing.holdings.length === 0 && closings === 0) return [];
  const topics = [
    topic('analysis', 'exposure', [
      `Book: ${exposure(situation)}. Open result ${signedMoney(standing.unrealised)}.`,
      `${exposure(situation)}; ${signedMoney(standing.realised)} realised before fees so far.`,
    ]),
  ];
  if (closings >= 5) {
    const net = standing.realised - standing.fees;
    topics.push(
      topic('opinion', 'record', [
        `${share(wins / closings)} of my ${plural(closings, 'closing fill')} were winners. Realised ` +
          `${signedMoney(standing.realised)}, fees ${money(standing.fees)}: ${signedMoney(net)} in the end.`,
        net > 0
          ? `Something survives the costs: ${signedMoney(net)} realised after ${money(standing.fees)} in fees. Small samples lie, so I keep counting.`
          : `Every trade pays its fees first, ${money(standing.fees)} so far. Realised after them: ${signedMoney(net)}.`,
      ]),
    );
  }
  return topics;
}

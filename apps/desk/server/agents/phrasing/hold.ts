// The buy-and-hold agent's voice: laconic and a little wry. Has little to do and says so.
import type { HoldReasoning } from '../../market/reasoning.ts';
import { type Situation, type Topic, topic } from './topic.ts';
import { clock, money, plural, share, signedMoney, signedPercent } from './words.ts';

export function holdTopics(situation: Situation, seen: HoldReasoning): Topic[] {
  const { standing } = situation;
  if (standing.holdings.length === 0) {
    return [
      topic('opinion', 'before', [
        `${money(standing.cash)} in cash and ${plural(seen.targets, 'instrument')} to buy. After that ` +
          'my work is mostly done.',
      ]),
    ];
  }
  return [
    ...buildTopics(situation, seen),
    ...holdingTopics(situation, seen),
    ...patienceTopics(situation, seen),
  ];
}

function buildTopics({ trades, tick, standing }: Situation, seen: HoldReasoning): Topic[] {
  const last = trades.findLast(({ side }) => side === 'buy');
  if (last === undefined) return [];
  const isBuilding = seen.filled < seen.targets;
  const what = `${plural(last.quantity, 'share')} of ${last.symbol} at ${money(last.averagePrice)}`;
  const part = share(last.notional / standing.equity);
  if (isBuilding || tick - last.tick < 20) {
    return [
      topic(
        'trade',
        'bought',
        [
          `Bought ${what}, ${part} of equity. ${seen.filled} of ${seen.targets} done. I don't expect to sell it.`,
          `${last.symbol} joins: ${plural(last.quantity, 'share')} for ${money(last.notional)}, fee ${money(last.fee)}.`,
        ],
        3,
      ),
    ];
  }
  return [
    topic(
      'trade',
      'last-trade',
      [
        `My last purchase was ${what}, on ${last.time.slice(0, 10)} at ${clock(last.time)}. None since.`,
        `Still living off ${last.time.slice(0, 10)}: that day I bought ${what}, and then I stopped buying.`,
      ],
      0.7,
    ),
  ];
}

function holdingTopics({ standing }: Situation, { best, worst }: HoldReasoning): Topic[] {
  const topics: Topic[] = [];
  if (best !== null && worst !== null && best.symbol !== worst.symbol) {
    const [up, down] = [signedPercent(best.percent), signedPercent(worst.percent)];
    topics.push(
      topic('analysis', 'extremes', [
        `Best since purchase: ${best.symbol} ${up}. Worst: ${worst.symbol} ${down}. I keep both.`,
        best.percent > 0 && worst.percent < 0
          ? `${best.symbol} carries the basket (${up}), ${worst.symbol} weighs on it (${down}).`
          : `From ${worst.symbol} (${down}) to ${best.symbol} (${up}), all on the same side of what I paid.`,
        `${best.symbol} at ${up}, ${worst.symbol} at ${down}. I could not have told you which on the first day.`,
      ]),
    );
  }
  for (const one of standing.holdings) {
    const change = signedPercent((one.unrealised / one.cost) * 100);
    topics.push(
      topic(
        'analysis',
        'one-holding',
        [
          `${one.symbol}: ${plural(one.quantity, 'share')}, cost ${money(one.averageCost)} each, worth ` +
            `${money(one.value)} now. ${change}.`,
          `Looking at ${one.symbol}, since I have the time: ${signedMoney(one.unrealised)} (${change}) ` +
            `on ${money(one.cost)}.`,
        ],
        1.5 / standing.holdings.length,
      ),
    );
  }
  const ahead = standing.holdings.filter(({ unrealised }) => unrealised > 0).length;
  topics.push(
    topic('analysis', 'basket', [
      `${ahead} of ${plural(standing.holdings.length, 'holding')} above cost, ` +
        `${signedMoney(standing.unrealised)} open in all.`,
      `The basket stands ${signedMoney(standing.unrealised)} against what I paid; ` +
        `${money(standing.cash)} is left in cash.`,
    ]),
  );
  return topics;
}

function patienceTopics({ standing }: Situation, seen: HoldReasoning): Topic[] {
  if (seen.filled < seen.targets) return [];
  const day = signedPercent((standing.dayProfit / standing.equityAtOpen) * 100);
  const since = signedPercent((standing.equity / standing.startingCash - 1) * 100);
  const isDown = standing.dayProfit < 0;
  return [
    topic('opinion', 'patience', [
      isDown
        ? `${day} today. I have no button for that, which is the idea.`
        : `${day} today, earned by not touching anything.`,
      `${since} since the start. If the others can't beat that after their fees, they have been busy for nothing.`,
      `${isDown ? 'Down' : 'Up'} ${money(Math.abs(standing.dayProfit))} since the open. The plan for ` +
        'this case is the same as for every case.',
    ]),
    topic('opinion', 'cheap', [
      `Fees since the beginning: ${money(standing.fees)}. Doing nothing is hard to underbid.`,
      `I have paid ${money(standing.fees)} in fees over ${plural(standing.tally.orders, 'order')}, all of it ` +
        'for getting in.',
    ]),
  ];
}

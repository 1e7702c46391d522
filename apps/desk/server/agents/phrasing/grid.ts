// The grid agent's voice: patient, a little like a gardener. Speaks of rungs, of waiting, of harvest.
import type { GridReasoning, GridState } from '../../market/reasoning.ts';
import { exposure } from './common.ts';
import { type Situation, type Topic, topic } from './topic.ts';
import { clock, listed, money, plural, share, signedMoney, whole } from './words.ts';

/** Path over net move, from which a price may be said to walk more than it arrives. */
const MIN_CHOPPY = 2;

export function gridTopics(situation: Situation, seen: GridReasoning): Topic[] {
  return [
    ...planTopics(seen),
    ...tradeTopics(situation),
    ...loadTopics(situation, seen),
    ...recordTopics(situation),
  ];
}

function planTopics(seen: GridReasoning): Topic[] {
  const { grids, watchLeft } = seen;
  if (grids.length === 0) {
    return [
      topic('analysis', 'watching', [
        watchLeft > 0
          ? `Watching for another ${plural(watchLeft, 'tick')} before I plant anything. I look for ` +
            'prices that walk a lot and arrive nowhere.'
          : 'No grid is laid right now. I am looking for a price that walks a lot and arrives nowhere.',
      ]),
    ];
  }
  const names = listed(grids.map(({ symbol }) => symbol));
  const loaded = grids.reduce((sum, each) => sum + each.loaded, 0);
  const rungs = grids.reduce((sum, each) => sum + each.levels, 0);
  return [
    ...grids.map((one) => oneGrid(one, 1.5 / grids.length)),
    topic('analysis', 'all-grids', [
      `${plural(grids.length, 'grid')} standing, in ${names}. ${loaded} of ${rungs} rungs are loaded.`,
      `Working ${names}. ${rungs - loaded} rungs wait for a lower price, ${loaded} for a higher one.`,
    ]),
  ];
}

function oneGrid(one: GridState, weight: number): Topic {
  const times = `${one.choppiness < 200 ? '' : 'over '}${one.choppiness.toFixed(0)} times`;
  // Its last choice among few may be a price that went straight: that is no reason to give for it.
  const reason =
    one.choppiness < MIN_CHOPPY
      ? `${one.symbol} had hardly turned round when I chose it, but nothing that had was left. `
      : `I chose ${one.symbol} because its price had walked ${times} as far as it got. `;
  return topic(
    'analysis',
    'one-grid',
    [
      `${one.symbol}: centre ${money(one.centre)}, a rung every ${money(one.step)} ` +
        `(${one.stepPercent.toFixed(2)}%). ${one.loaded} of ${one.levels} rungs hold shares.`,
      `${one.symbol} has ${plural(one.bids, 'bid')} and ${plural(one.asks, 'offer')} of mine in the ` +
        `book. ${nearest(one)}`,
      `${reason}The steps are ${one.stepPercent.toFixed(2)}% wide.`,
    ],
    weight,
  );
}

function nearest({ nearestBid, nearestAsk }: GridState): string {
  const bid = nearestBid === null ? '' : `The nearest bid waits at ${money(nearestBid)}.`;
  const ask = nearestAsk === null ? '' : `The nearest offer waits at ${money(nearestAsk)}.`;
  return `${bid} ${ask}`.trim() || 'All of them are being renewed.';
}

function tradeTopics({ trades, tick, standing }: Situation): Topic[] {
  const last = trades.at(-1);
  if (last === undefined || last.tag === 'stop') return [];
  const weight = tick - last.tick < 25 ? 3 : 1;
  const what = `${plural(last.quantity, 'share')} of ${last.symbol}`;
  const price = money(last.averagePrice);
  const at = clock(last.time);
  const waited = last.isMaker ? 'It came to my price, so the order waited instead of taking.' : '';
  if (last.tag === 'abandon') {
    const result = signedMoney(last.realised);
    return [
      topic(
        'trade',
        'abandoned',
        [
          `Gave up the grid in ${last.symbol} at ${at}: ${what} sold at ${price}, ${result}. It fell ` +
            'through every rung, and a grid without a floor is only a losing position.',
          `${last.symbol} left downwards for good. Sold ${what} at ${price} for ${result} and cleared the bed.`,
        ],
        3,
      ),
    ];
  }
  if (last.side === 'buy') {
    const offer = standing.working.find(
      ({ request }) => request.side === 'sell' && request.tag === last.tag,
    )?.request.limit;
    const next =
      offer === undefined || offer === null
        ? `${plural(standing.working.length, 'order')} of mine ${standing.working.length === 1 ? 'is' : 'are'} waiting.`
        : `They are offered again at ${money(offer)}.`;
    return [
      topic(
        'trade',
        'rung-filled',
        [
          `A rung filled at ${at}: ${what} at ${price}. ${next}`,
          `Bought ${what} at ${price}. ${waited} ${next}`.replace('  ', ' '),
          `${last.symbol} dipped to ${price} and left me ${plural(last.quantity, 'share')}. ${next}`,
        ],
        weight,
      ),
    ];
  }
  const result = signedMoney(last.realised);
  if (last.realised < 0) {
    const text =
      `Sold ${what} at ${price} (${at}), a step above where that rung had bought. Against the average ` +
      `cost of all my rungs it is still ${result}.`;
    return [topic('trade', 'rung-below-average', [text], weight)];
  }
  return [
    topic(
      'trade',
      'rung-harvested',
      [
        `Sold ${what} at ${price} (${at}), ${result} against cost. The rung below is free again.`,
        `Harvest in ${last.symbol}: ${plural(last.quantity, 'share')} at ${price}, ${result}.`,
        `${last.symbol} came back up to ${price}. ${plural(last.quantity, 'share')} sold, ${result}. ${waited}`.trim(),
      ],
      weight,
    ),
  ];
}

function loadTopics(situation: Situation, seen: GridReasoning): Topic[] {
  const deepest = seen.grids.toSorted((one, other) => other.loaded - one.loaded)[0];
  if (deepest === undefined) return [];
  const { unrealised } = situation.standing;
  if (deepest.loaded === 0) {
    return [
      topic('opinion', 'empty-rungs', [
        `Every rung is empty, ${money(situation.standing.cash)} in cash. Prices would have to come to me.`,
        'Nothing loaded. Going up without me is the cheapest way for a market to disappoint a grid.',
      ]),
    ];
  }
  const isFull = deepest.loaded === deepest.levels;
  return [
    topic('opinion', 'load', [
      `${exposure(situation)}. Open result ${signedMoney(unrealised)}.`,
      isFull
        ? `${deepest.symbol} has filled all ${deepest.levels} rungs. From here I can only wait or give it up.`
        : `${deepest.symbol} is loaded deepest, ${deepest.loaded} of ${deepest.levels} rungs. ` +
          'Room is left below, and I am in no hurry.',
    ]),
  ];
}

function recordTopics({ standing }: Situation): Topic[] {
  const { wins, closings } = standing.tally;
  if (closings < 5) return [];
  const { realised, fees } = standing;
  const won = `${whole(wins)} of ${plural(closings, 'closing fill')}`;
  const lesson =
    realised < 0 && wins * 2 > closings
      ? 'The losses were fewer than the harvests, and larger.'
      : 'Small harvests add up only as long as no price walks away.';
  return [
    topic('opinion', 'record', [
      `${won} came out ahead, ${signedMoney(realised)} realised before fees. ${lesson}`,
      `${share(wins / closings)} of my closing fills made money and the sum is ` +
        `${signedMoney(realised)}, with ${money(fees)} paid in fees. How often is not how much.`,
    ]),
  ];
}

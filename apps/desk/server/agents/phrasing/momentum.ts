// The momentum agent's voice: brisk. Talks of leaders, of followers and of leaving in time.
import type { MomentumReasoning } from '../../market/reasoning.ts';
import { exposure } from './common.ts';
import { type Situation, type Topic, topic } from './topic.ts';
import { clock, listed, money, plural, share, signedMoney, signedPercent, whole } from './words.ts';

export function momentumTopics(situation: Situation, seen: MomentumReasoning): Topic[] {
  return [
    ...signalTopics(seen),
    ...tradeTopics(situation, seen),
    ...positionTopics(situation, seen),
    ...recordTopics(situation),
  ];
}

function signalTopics(seen: MomentumReasoning): Topic[] {
  const { signals, enterAbove, fastTicks, slowTicks, warmUpLeft } = seen;
  const [first, last] = [signals[0], signals.at(-1)];
  if (first === undefined || last === undefined) return [];
  const gap = signedPercent(first.gapPercent);
  if (warmUpLeft > 0) {
    return [
      topic('analysis', 'warm-up', [
        `${plural(warmUpLeft, 'tick')} until my slow average has seen enough. First impression: ` +
          `${first.symbol} ahead, ${gap} between fast and slow.`,
        `Warming up: I want ${slowTicks} ticks of prices before I trust a trend, ${warmUpLeft} to go.`,
      ]),
    ];
  }
  const ready = signals.filter(({ score }) => score >= enterAbove);
  const rising = signals.filter(({ score }) => score > 0).length;
  const isStrong = first.score >= enterAbove;
  return [
    topic('analysis', 'leader', [
      `${first.symbol} leads: its ${fastTicks}-tick average stands ${gap} against the ` +
        `${slowTicks}-tick one, a score of ${first.score.toFixed(2)}. I enter above ${enterAbove}.`,
      `Strongest trend: ${first.symbol} at ${first.score.toFixed(2)}` +
        (isStrong ? `, over my ${enterAbove}.` : `, still under the ${enterAbove} I ask for.`),
      `Top of the list ${first.symbol} (${gap}), bottom ${last.symbol} ` +
        `(${signedPercent(last.gapPercent)}). Fast average against slow.`,
    ]),
    topic('opinion', 'breadth', [
      `${rising} of ${signals.length} instruments trend upwards and ${ready.length} ` +
        `${ready.length === 1 ? 'clears' : 'clear'} my bar of ${enterAbove}. ` +
        (rising * 2 > signals.length ? 'A wind to sail with.' : 'Not a day to chase.'),
      ready.length === 0
        ? `Nothing scores above ${enterAbove}. A trend I have to imagine is not a trend.`
        : `${listed(ready.slice(0, 3).map(({ symbol }) => symbol))} ` +
          `${ready.length === 1 ? 'scores' : 'score'} above ${enterAbove}. I'd rather be late than early.`,
    ]),
  ];
}

function tradeTopics({ trades, tick, standing }: Situation, seen: MomentumReasoning): Topic[] {
  const last = trades.at(-1);
  if (last === undefined) return [];
  const weight = tick - last.tick < 40 ? 3 : 1;
  const what = `${plural(last.quantity, 'share')} of ${last.symbol}`;
  const price = money(last.averagePrice);
  const at = clock(last.time);
  if (last.side === 'buy') {
    return [
      topic(
        'trade',
        'entered',
        [
          `Bought ${what} at ${price} (${at}), ${share(last.notional / standing.equity)} of equity. ` +
            `It stays until its score falls under ${seen.leaveBelow} or the price turns on me.`,
          `Into ${last.symbol} at ${at}: ${plural(last.quantity, 'share')} for ` +
            `${money(last.notional)}, ${price} on average. Going with it while it goes.`,
        ],
        weight,
      ),
    ];
  }
  const result = `${signedMoney(last.realised)} before ${money(last.fee)} in fees`;
  const action = standing.lastAction;
  const reasons = action?.reasoning.kind === 'momentum' ? action.reasoning.left : [];
  const why =
    action?.id === last.decisionId
      ? reasons.find(({ symbol }) => symbol === last.symbol)?.because
      : undefined;
  const because =
    why === 'fell-from-peak'
      ? 'It had fallen too far from its high.'
      : why === 'faded'
        ? `Its score had dropped under ${seen.leaveBelow}.`
        : '';
  return [
    topic(
      'trade',
      'left',
      [
        `Out of ${last.symbol} at ${at}: ${what} sold at ${price}, ${result}. ${because}`.trim(),
        `Sold ${what} at ${price}. ${because} ${signedMoney(last.realised)} on that one.`.replace(
          '  ',
          ' ',
        ),
      ],
      weight,
    ),
  ];
}

function positionTopics(situation: Situation, seen: MomentumReasoning): Topic[] {
  const { holdings } = situation.standing;
  if (holdings.length === 0) {
    return [
      topic('opinion', 'flat', [
        `No position. ${money(situation.standing.cash)} stays in cash until something really moves.`,
        `Sitting out with ${money(situation.standing.cash)}. Between trends there is nothing to earn.`,
      ]),
    ];
  }
  const parts = holdings.map(
    ({ symbol, unrealised, cost }) => `${symbol} ${signedPercent((unrealised / cost) * 100)}`,
  );
  const scores = holdings.flatMap(({ symbol }) =>
    seen.signals.filter((signal) => signal.symbol === symbol),
  );
  const weakest = scores.at(-1);
  const open = signedMoney(situation.standing.unrealised);
  const topics = [
    topic('analysis', 'riding', [
      `Riding ${listed(parts)} against cost, ${open} in open profit and loss.`,
      `${exposure(situation)}. Open result ${open}.`,
    ]),
  ];
  if (weakest !== undefined) {
    const score = weakest.score.toFixed(2);
    topics.push(
      topic('opinion', 'weakest', [
        `${weakest.symbol} is the weakest thing I own, score ${score}. Under ${seen.leaveBelow} it goes.`,
        `If I leave anything soon it is ${weakest.symbol}: ${score}, with the exit at ${seen.leaveBelow}.`,
      ]),
    );
  }
  return topics;
}

function recordTopics({ standing }: Situation): Topic[] {
  const { wins, closings } = standing.tally;
  if (closings < 4) return [];
  const total = signedMoney(standing.realised);
  return [
    topic('opinion', 'record', [
      `${whole(wins)} of ${plural(closings, 'closing fill')} in profit, ${total} realised before fees. ` +
        (wins * 2 < closings
          ? 'Trend following is wrong more often than right; the winners have to be longer.'
          : 'More right than wrong so far, which is not how this usually goes.'),
      `Realised ${total} on ${plural(closings, 'closing fill')}, ${share(wins / closings)} of them winners.`,
    ]),
  ];
}

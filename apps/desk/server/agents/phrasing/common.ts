// What every agent may say whatever its strategy: its day, its refusals, the market around it.

import { type Situation, type Topic, topic } from './topic.ts';
import { listed, money, plural, share, signedMoney, signedPercent } from './words.ts';

export function commonTopics(situation: Situation): Topic[] {
  return [...dayTopics(situation), ...marketTopics(situation), ...ruleTopics(situation)];
}

function dayTopics({ standing }: Situation): Topic[] {
  const { equity, equityAtOpen, dayProfit, startingCash, tally } = standing;
  if (dayProfit === 0 && tally.fillsToday === 0) return [];
  const day = signedPercent((dayProfit / equityAtOpen) * 100);
  const since = signedPercent((equity / startingCash - 1) * 100);
  const done = plural(tally.fillsToday, 'fill');
  const fees = money(tally.feesToday);
  return [
    topic('analysis', 'day', [
      `Equity ${money(equity)}, ${day} today (${signedMoney(dayProfit)}) over ${done}.`,
      `Today so far: ${signedMoney(dayProfit)} (${day}). Since I started: ${since}.`,
      `${day} on the day after ${done} and ${fees} in fees; ${since} since the start.`,
    ]),
  ];
}

function marketTopics({ quotes }: Situation): Topic[] {
  const sorted = quotes.toSorted((one, other) => other.change - one.change);
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined || first === last) return [];
  const up = quotes.filter(({ change }) => change > 0).length;
  const best = `${first.symbol} ${signedPercent(first.change * 100)}`;
  const worst = `${last.symbol} ${signedPercent(last.change * 100)}`;
  return [
    topic(
      'analysis',
      'market',
      [
        `${up} of ${quotes.length} instruments are up on the day. Best ${best}, worst ${worst}.`,
        `The day's range across the board runs from ${worst} to ${best}.`,
        `Breadth: ${up} up, ${quotes.length - up} flat or down. ${first.symbol} leads with ` +
          `${signedPercent(first.change * 100)} at ${money(first.mark)}.`,
      ],
      0.5,
    ),
  ];
}

function ruleTopics({ standing, tick }: Situation): Topic[] {
  const topics: Topic[] = [];
  const refused = standing.recentRefused.at(-1);
  if (refused !== undefined && standing.tally.refusedToday > 0) {
    const { side, quantity, symbol } = refused.request;
    const what = `${side} ${plural(quantity, 'share')} of ${symbol}`;
    const weight = tick - refused.tick < 40 ? 3 : 0.6;
    topics.push(
      topic(
        'trade',
        'refused',
        [
          `My order to ${what} was refused by ${refused.ruleId}: ${refused.reason}`,
          `I wanted to ${what} and may not. ${refused.reason}`,
        ],
        weight,
      ),
    );
  }
  const stop = standing.lastAction?.reasoning;
  if (stop?.kind === 'stop_loss' && standing.stopped.includes(stop.symbol)) {
    const loss = signedPercent(-stop.lossPercent);
    topics.push(
      topic(
        'trade',
        'stopped',
        [
          `The stop at ${stop.limitPercent}% sold ${stop.symbol} with ${loss} against cost. ` +
            'It stays off my list until tomorrow.',
          `${stop.symbol} hit the ${stop.limitPercent}% stop (${loss}); the rule sold it, not I.`,
        ],
        3,
      ),
    );
  }
  return topics;
}

/** Share of the equity that is in positions, and which: a clause that several agents use. */
export function exposure({ standing }: Situation): string {
  const { holdings, equity } = standing;
  if (holdings.length === 0) return `No positions, ${money(standing.cash)} in cash`;
  const value = holdings.reduce((sum, holding) => sum + holding.value, 0);
  const largest = holdings.toSorted((one, other) => other.value - one.value).slice(0, 3);
  const names = listed(largest.map(({ symbol }) => symbol));
  const most = holdings.length > 3 ? `most in ${names}` : `in ${names}`;
  return `${share(value / equity)} of equity invested, ${most}`;
}

// A decision's stored reasoning in words, for one symbol of it: why it was bought or sold. Pure.
// Reasoning comes from the database, of any version and any importer: what has another shape gives no words.
import * as z from 'zod';
import { basisPoints, money, venueName } from '../agents/phrasing/words.ts';
import { VENUES } from '../market/instrument.ts';
import type { Side } from '../market/order.ts';

const symbol = z.string();
const signal = z.object({ symbol, score: z.number(), gapPercent: z.number() });
const forecast = z.object({
  symbol,
  probabilityUp: z.number(),
  edgeBps: z.number(),
  costBps: z.number(),
});
const gap = z.object({
  symbol,
  buyAt: z.enum(VENUES),
  sellAt: z.enum(VENUES),
  ask: z.number(),
  bid: z.number(),
  netBps: z.number(),
});

const schema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('momentum'),
    enterAbove: z.number(),
    leaveBelow: z.number(),
    entered: z.array(signal),
    left: z.array(signal.extend({ because: z.enum(['faded', 'fell-from-peak']) })),
  }),
  z.object({ kind: z.literal('arbitrage'), taken: z.array(gap), unwinding: z.array(symbol) }),
  z.object({
    kind: z.literal('grid'),
    grids: z.array(
      z.object({ symbol, centre: z.number(), step: z.number(), choppiness: z.number() }),
    ),
    abandoned: z.array(symbol),
  }),
  z.object({
    kind: z.literal('learned'),
    bought: z.array(forecast),
    sold: z.array(forecast.extend({ because: z.enum(['turned', 'horizon']) })),
  }),
  z.object({ kind: z.literal('hold'), buying: symbol.nullable(), targets: z.number() }),
  z.object({
    kind: z.literal('stop_loss'),
    symbol,
    limitPercent: z.number(),
    lossPercent: z.number(),
  }),
  // What somebody imported or wrote by hand.
  z.object({ kind: z.literal('note'), text: z.string().max(500) }),
]);

/** `the trend score was 1.31 …`: a clause to follow "because"; null where the reasoning says nothing of the symbol. */
export function whyOf(reasoning: unknown, symbolOf: string, side: Side): string | null {
  const parsed = schema.safeParse(reasoning);
  if (!parsed.success) return null;
  const seen = parsed.data;
  const isIt = (one: { readonly symbol: string }): boolean => one.symbol === symbolOf;
  switch (seen.kind) {
    case 'momentum': {
      if (side === 'buy') {
        const entered = seen.entered.find(isIt);
        if (entered === undefined) return null;
        const { score, gapPercent } = entered;
        return `its trend score was ${scoreOf(score)} (it enters above ${seen.enterAbove}), the fast average ${gapPercent.toFixed(2)}% over the slow one`;
      }
      const left = seen.left.find(isIt);
      if (left === undefined) return null;
      if (left.because === 'fell-from-peak') return 'it had fallen too far from its peak';
      return `the trend had faded to a score of ${scoreOf(left.score)} (it leaves below ${seen.leaveBelow})`;
    }
    case 'arbitrage': {
      const taken = seen.taken.find(isIt);
      if (taken !== undefined) {
        return `${money(taken.ask)} on ${venueName(taken.buyAt)} against ${money(taken.bid)} on ${venueName(taken.sellAt)} left ${basisPoints(taken.netBps)} after fees`;
      }
      return seen.unwinding.includes(symbolOf)
        ? 'the second leg of a round trip had not filled'
        : null;
    }
    case 'grid': {
      if (seen.abandoned.includes(symbolOf)) {
        return 'the price had left the grid downwards, and the grid was given up';
      }
      const grid = seen.grids.find(isIt);
      if (grid === undefined) return null;
      const around = `a grid around ${money(grid.centre)} in steps of ${money(grid.step)}`;
      return side === 'buy' ? `a bid of ${around} was met` : `an offer of ${around} was met`;
    }
    case 'learned': {
      if (side === 'buy') {
        const bought = seen.bought.find(isIt);
        if (bought === undefined) return null;
        return `its model gave ${(bought.probabilityUp * 100).toFixed(0)}% for a rise, worth ${basisPoints(bought.edgeBps)} against ${basisPoints(bought.costBps)} of costs`;
      }
      const sold = seen.sold.find(isIt);
      if (sold === undefined) return null;
      if (sold.because === 'turned')
        return `the forecast had turned to ${basisPoints(sold.edgeBps)}`;
      return `its horizon was over and only ${basisPoints(sold.edgeBps)} were expected still`;
    }
    case 'hold':
      return side === 'buy' ? `it is one of the ${seen.targets} instruments to be held` : null;
    case 'stop_loss':
      if (seen.symbol !== symbolOf) return null;
      return `the stop loss at ${seen.limitPercent}% was reached (${seen.lossPercent.toFixed(2)}% lost)`;
    case 'note':
      return seen.text;
  }
}

/** In a few words, so that trades can be told apart by it: how a decision closed the symbol's shares; null as above. */
export function closingOf(reasoning: unknown, symbolOf: string): string | null {
  const parsed = schema.safeParse(reasoning);
  if (!parsed.success) return null;
  const seen = parsed.data;
  const isIt = (one: { readonly symbol: string }): boolean => one.symbol === symbolOf;
  switch (seen.kind) {
    case 'momentum': {
      const because = seen.left.find(isIt)?.because;
      return because === undefined ? null : because === 'faded' ? 'trend faded' : 'fell from peak';
    }
    case 'arbitrage':
      return seen.unwinding.includes(symbolOf) ? 'leg unwound' : 'gap closed';
    case 'grid':
      return seen.abandoned.includes(symbolOf) ? 'grid given up' : 'offer met';
    case 'learned': {
      const because = seen.sold.find(isIt)?.because;
      return because === undefined
        ? null
        : because === 'turned'
          ? 'forecast turned'
          : 'horizon over';
    }
    case 'stop_loss':
      return 'stop loss';
    case 'hold':
    case 'note':
      return null;
  }
}

/** No minus before a score that rounds to nothing. */
function scoreOf(score: number): string {
  return score.toFixed(2).replace(/^-(?=0\.00$)/, '');
}

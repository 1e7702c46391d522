// Every channel of Desk, for server and browser alike: what a page may subscribe to, and what it gets.
// Messages of the agents come ready-made from the protocol package.

import { type Contract, defineChannel, type StandardSchema } from '@millrace/protocol';
import { agentMessages } from '@millrace/protocol/channels';
import { addEquity, EMPTY_SERIES, type EquitySeries } from './equity-series.ts';
import {
  type EquityUpdate,
  equityUpdateSchema,
  type FillEvent,
  fillSchema,
  type MarketTick,
  marketTickSchema,
  type RefusalEvent,
  refusalSchema,
} from './market-events.ts';
import { type RunFigures, runFiguresSchema } from './run-figures.ts';

export { agentMessages };

export interface MarketBoard {
  /** Null before the first tick. */
  readonly latest: MarketTick | null;
}

const EMPTY_BOARD: MarketBoard = { latest: null };

/** Channel `market_ticks`: event `tick` for each tick; the state holds the newest one. */
export const marketTicks: Contract<
  never,
  { readonly tick: StandardSchema<MarketTick> },
  MarketBoard
> = defineChannel({
  type: 'market_ticks',
  events: { tick: marketTickSchema },
  state: { initial: EMPTY_BOARD, reduce: (_, event) => ({ latest: event.data }) },
  history: { size: 300, maxAgeMs: 60 * 60 * 1_000 },
});

/**
 * Channel `agent_equity`: event `equity` for each tick; the state is the curve of all agents since their
 * start, thinned to at most 240 points, with the newest accounts in `latest`: all that a chart needs.
 */
export const agentEquity: Contract<
  never,
  { readonly equity: StandardSchema<EquityUpdate> },
  EquitySeries
> = defineChannel({
  type: 'agent_equity',
  events: { equity: equityUpdateSchema },
  state: { initial: EMPTY_SERIES, reduce: (series, event) => addEquity(series, event.data) },
  history: { size: 300, maxAgeMs: 60 * 60 * 1_000 },
});

/** Channel `agent_activity`: events `fill` (a trade of an agent's) and `refusal` (an order that a rule refused). */
export const agentActivity: Contract<
  never,
  { readonly fill: StandardSchema<FillEvent>; readonly refusal: StandardSchema<RefusalEvent> },
  undefined
> = defineChannel({
  type: 'agent_activity',
  events: { fill: fillSchema, refusal: refusalSchema },
  history: { size: 500, maxAgeMs: 24 * 60 * 60 * 1_000 },
});

export interface RunBoard {
  /** Null before the run was first heard of. */
  readonly latest: RunFigures | null;
}

const NO_FIGURES: RunBoard = { latest: null };

/**
 * Channel `run_figures:<runId>` of a run in the live market: event `figures`, told about once a second, and at once when
 * the run begins or ends (then the channel ends too); the state is the newest. Only its owner may read it; those of the
 * five agents' runs everybody.
 */
export const runFigures: Contract<
  'runId',
  { readonly figures: StandardSchema<RunFigures> },
  RunBoard
> = defineChannel({
  type: 'run_figures',
  params: ['runId'],
  events: { figures: runFiguresSchema },
  state: { initial: NO_FIGURES, reduce: (_, event) => ({ latest: event.data }) },
  deliver: 'state',
  everyMs: 1_000,
  // The state is all that is read; the log needs no more of them.
  history: { size: 2, maxAgeMs: 60 * 60 * 1_000 },
});

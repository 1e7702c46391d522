// Models, their runs and rules, as the HTTP endpoints under `/api/models` give them. Types only.
// Amounts are dollars, for showing; the database has them exactly. Times are ISO 8601 UTC; those of a run are its market's.

import type { RunDecision, RunPosition } from './run-figures.ts';

export type StrategyName = 'arbitrage' | 'momentum' | 'grid' | 'learned' | 'hold';

export interface RunInfo {
  readonly id: string;
  readonly modelId: string;
  /** Within its model, from 1. */
  readonly number: number;
  /** `ending`: asked to, and trades until the market's next tick. */
  readonly status: 'running' | 'ending' | 'completed';
  /** Played in the live market, made of imported trades, or played over imported prices. */
  readonly source: 'market' | 'csv' | 'replay';
  readonly startingCash: number;
  readonly cash: number;
  readonly equity: number;
  /** Equity less starting cash, in dollars and as a ratio: 0.01 is one percent. */
  readonly profit: number;
  readonly return: number;
  /** profit = realised + unrealised − fees. */
  readonly realised: number;
  readonly unrealised: number;
  readonly fees: number;
  readonly orders: number;
  readonly fills: number;
  /** Fills that closed something, and those of them with a profit before fees. */
  readonly closings: number;
  readonly wins: number;
  readonly lastTick: number;
  readonly startedAt: string;
  readonly updatedAt: string;
  readonly endedAt: string | null;
}

export interface ModelInfo {
  readonly id: string;
  readonly name: string;
  readonly strategy: StrategyName;
  /** The Floor's can be read by everybody, and changed by nobody but administrators. */
  readonly owner: 'you' | 'floor';
  readonly startingCash: number;
  readonly createdAt: string;
  readonly runCount: number;
  /** The newest; null before the first. */
  readonly latestRun: RunInfo | null;
}

/** `GET /api/models`: one's own by name, then the Floor's. */
export interface ModelsAnswer {
  readonly models: readonly ModelInfo[];
}

/** `GET /api/models/:modelId`, and the answer of what makes or changes one. */
export interface ModelAnswer {
  readonly model: ModelInfo;
}

/** `POST /api/models`. */
export interface NewModelRequest {
  readonly name: string;
  readonly strategy: StrategyName;
  /** Dollars, 1,000 to 1,000,000; 100,000 unless told. */
  readonly startingCash?: number | undefined;
}

/** `GET /api/models/:modelId/runs`: the newest 100, newest first. */
export interface RunsAnswer {
  readonly runs: readonly RunInfo[];
}

export interface RunFill {
  readonly number: number;
  readonly decisionNumber: number;
  readonly tick: number;
  readonly time: string;
  readonly symbol: string;
  readonly venue: string;
  readonly side: 'buy' | 'sell';
  readonly quantity: number;
  readonly price: number;
  readonly fee: number;
  /** Profit that it realised, before fees. */
  readonly realised: number;
}

/** An order that was not carried out, with the rule that refused it. */
export interface RunRefusal {
  readonly decisionNumber: number;
  readonly tick: number;
  readonly time: string;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly quantity: number;
  /** Id of a rule of the model, or `exchange/…`. */
  readonly ruleId: string;
  readonly reason: string;
}

/** `GET /api/models/:modelId/runs/:runId`, where `:runId` may be `latest`; what happened newest first. */
export interface RunAnswer {
  readonly run: RunInfo;
  readonly positions: readonly RunPosition[];
  /** The newest 50 of each. */
  readonly decisions: readonly RunDecision[];
  readonly fills: readonly RunFill[];
  readonly refusals: readonly RunRefusal[];
  /** Those that its orders are checked against. */
  readonly rules: readonly RuleInfo[];
}

/** What starts, ends or makes a run. */
export interface RunChangeAnswer {
  readonly run: RunInfo;
}

/** `GET …/runs/:runId/equity?points=500`: the curve, thinned; each dip and peak of what is left out stays. */
export interface EquityAnswer {
  readonly points: readonly EquityPointInfo[];
  /** How many there are before thinning. */
  readonly total: number;
}

export interface EquityPointInfo {
  readonly tick: number;
  readonly time: string;
  readonly equity: number;
  readonly cash: number;
}

export interface RuleInfo {
  readonly id: string;
  /** As the market's schema has it: `{id, kind, …}`. */
  readonly rule: {
    readonly id: string;
    readonly kind: string;
    readonly [parameter: string]: unknown;
  };
  /** As a person would say it. */
  readonly text: string;
}

export interface AcceptedRule extends RuleInfo {
  readonly acceptedAt: string;
}

/** `GET /api/models/:modelId/rules`. */
export interface RulesAnswer {
  readonly rules: readonly AcceptedRule[];
}

/** `POST …/rules` and `DELETE …/rules/:ruleId`. */
export interface RuleChangeAnswer extends RulesAnswer {
  /** Runs that are checked against the new rules from the market's next tick on. */
  readonly appliedTo: readonly string[];
}

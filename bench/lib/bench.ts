// What a bench is: one question, a method, and a run that answers with figures. Types only; measuring
// belongs to the benches, judging and printing to report.ts.

/** Where a figure should lie; on the edge counts as met. */
export type Goal = { readonly atMost: number } | { readonly atLeast: number };

export interface Figure {
  readonly label: string;
  /** Such as `ms`, `%`, `KiB`; `×` for a ratio. */
  readonly unit: string;
  /** One for each run, in the order of the runs. Reported as median (min–max). */
  readonly values: readonly number[];
  readonly goal?: Goal;
  /** How far a figure of this kind differs between two runs of the same code: so near a goal it counts as met. */
  readonly noise?: number;
  /** What was expected before it was measured, where there is no goal to meet. */
  readonly expected?: string;
}

/** Several servers on one axis: a chart, and a table with their ratios. */
export interface Comparison {
  /** Part of the chart's file name. */
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly isMoreBetter: boolean;
  readonly rows: readonly ComparisonRow[];
}

export interface ComparisonRow {
  readonly label: string;
  /** Ours, not a peer's. */
  readonly isOwn: boolean;
  /** One for each round. */
  readonly values: readonly number[];
  /** By what it is divided by: one for each round, within that round. */
  readonly ratios: Readonly<Record<string, readonly number[]>>;
}

export interface Findings {
  readonly figures: readonly Figure[];
  readonly comparisons?: readonly Comparison[];
  /** What a reader must know to judge the figures: counts, what a run found out of the ordinary. */
  readonly notes?: readonly string[];
}

export interface BenchOptions {
  /** How often the measurement is repeated. Default: the bench's own. */
  readonly runs?: number;
  /** How long one measurement lasts, where it has a length. Default: the bench's own. */
  readonly minutes?: number;
}

export interface Bench {
  /** As typed after `npm run bench --`. */
  readonly name: string;
  readonly question: string;
  /** How, in a few sentences that stand beside the figures. */
  readonly method: string;
  run(options: BenchOptions): Promise<Findings>;
}

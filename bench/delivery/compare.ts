// From what was measured to figures and comparisons. Pure. Ratios are made within a round, then their median.

import type { Comparison, Figure, Goal } from '../lib/bench.ts';
import { median } from '../lib/statistics.ts';
import { type ContestantName, contestants } from './contestants.ts';
import { type LoadLine, lossesOf } from './load-lines.ts';
import type { Lines } from './measure.ts';

/** What is compared, out of the lines of one server in one round. NaN where it is not there. */
export type Read = (lines: readonly LoadLine[]) => number;

/** A server, or the best of several: `highest` of the two limits in C is the limit. */
export type Anchor = ContestantName | { readonly highest: readonly ContestantName[] };

export const kernelLimit: Anchor = { highest: ['limit-ws', 'limit-sse'] };

export function valuesOf(lines: Lines, anchor: Anchor, read: Read): number[] {
  if (typeof anchor === 'string') return (lines.get(anchor) ?? []).map(read);
  const each = anchor.highest.map((name) => valuesOf(lines, name, read));
  const rounds = Math.max(...each.map((values) => values.length));
  return Array.from({ length: rounds }, (_, round) =>
    Math.max(...each.map((values) => values[round] ?? Number.NEGATIVE_INFINITY)),
  );
}

export function ratiosOf(lines: Lines, name: ContestantName, to: Anchor, read: Read): number[] {
  const others = valuesOf(lines, to, read);
  return valuesOf(lines, name, read)
    .map((value, round) => value / (others[round] ?? Number.NaN))
    .filter(Number.isFinite);
}

export interface RatioGoal {
  readonly label: string;
  readonly of: ContestantName;
  readonly to: Anchor;
  readonly read: Read;
  readonly goal: Goal;
}

/** None where one of the two did not take part: that is told in a note. */
export function ratioFigures(lines: Lines, goals: readonly RatioGoal[]): Figure[] {
  return goals
    .map(({ label, of, to, read, goal }) => ({
      label,
      unit: '×',
      values: ratiosOf(lines, of, to, read),
      goal,
      noise: noiseOf(goal),
    }))
    .filter(({ values }) => values.length > 0);
}

/** Of ratios on a shared machine: 0.1 below 2, 7 % above. */
function noiseOf(goal: Goal): number {
  const limit = 'atMost' in goal ? goal.atMost : goal.atLeast;
  return limit < 2 ? 0.1 : limit * 0.07;
}

/** What must be 0 for ours, whatever the load. */
export function lossFigure(lines: Lines): Figure {
  const ours = [...lines].filter(([name]) => name.startsWith('millrace'));
  const rounds = Math.max(...ours.map(([, each]) => each.length));
  return {
    label: 'Millrace: gaps, duplicates, reorderings, closed connections',
    unit: '',
    values: Array.from({ length: rounds }, (_, round) =>
      ours.reduce((sum, [, each]) => sum + lossesOf(each[round] ?? []), 0),
    ),
    goal: { atMost: 0 },
  };
}

export interface Compared {
  /** Part of the chart's file name. */
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly names: readonly ContestantName[];
  readonly read: Read;
  /** Column title and what each server is divided by. */
  readonly against: Readonly<Record<string, Anchor>>;
  readonly isMoreBetter: boolean;
}

/** Best first. */
export function compare(lines: Lines, compared: Compared): Comparison {
  const { name, title, unit, names, read, against, isMoreBetter } = compared;
  return {
    name,
    title,
    unit,
    isMoreBetter,
    rows: names
      .filter((each) => lines.has(each))
      .map((each) => ({
        label: contestants[each].label,
        isOwn: each.startsWith('millrace'),
        values: valuesOf(lines, each, read),
        ratios: Object.fromEntries(
          Object.entries(against).map(([column, to]) => [column, ratiosOf(lines, each, to, read)]),
        ),
      }))
      .toSorted((a, b) => (isMoreBetter ? -1 : 1) * (median(a.values) - median(b.values))),
  };
}

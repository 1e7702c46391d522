// Figures in words and tables: median, range, and whether the goal was met. Pure; measures nothing.

import type { Comparison, Figure, Goal } from './bench.ts';
import { median } from './statistics.ts';

/** Judged on the median of the runs. Null where there is no goal. */
export function isMet({ values, goal, noise = 0 }: Figure): boolean | null {
  if (goal === undefined) return null;
  const middle = median(values);
  return 'atMost' in goal ? middle <= goal.atMost + noise : middle >= goal.atLeast - noise;
}

/** Such as `12.3 ms (11.0–14.1, 5 runs)`. */
export function figureText({ values, unit }: Figure): string {
  const middle = `${numberText(median(values))} ${unit}`;
  if (values.length === 1) return middle;
  const range = `${numberText(Math.min(...values))}–${numberText(Math.max(...values))}`;
  return `${middle} (${range}, ${values.length} runs)`;
}

export function goalText({ goal, expected, unit }: Figure): string {
  if (goal !== undefined) return `${signOf(goal)} ${numberText(limitOf(goal))} ${unit}`;
  return expected === undefined ? '' : `expected: ${expected}`;
}

export function verdictText(figure: Figure): string {
  const met = isMet(figure);
  if (met === null) return '';
  if (!met) return '**missed**';
  return isMet({ ...figure, noise: 0 }) === true ? 'met' : 'met, within the noise';
}

/** A Markdown table, one row a figure. */
export function figuresTable(figures: readonly Figure[]): string {
  const rows = figures.map(
    (figure) =>
      `| ${figure.label} | ${figureText(figure)} | ${goalText(figure)} | ${verdictText(figure)} |`,
  );
  return ['| | median (min–max) | goal | |', '|---|---|---|---|', ...rows].join('\n');
}

/** A Markdown table, one row a server, with its ratios; ours in bold. */
export function comparisonTable({ unit, rows }: Comparison): string {
  const columns = [...new Set(rows.flatMap(({ ratios }) => Object.keys(ratios)))];
  const lines = rows.map(({ label, isOwn, values, ratios }) =>
    [
      isOwn ? `**${label}**` : label,
      rangeText(values),
      ...columns.map((column) => rangeText(ratios[column] ?? [], 2)),
    ].join(' | '),
  );
  return [
    `| | ${[unit, ...columns.map((column) => `÷ ${column}`)].join(' | ')} |`,
    `|---|${'---|'.repeat(columns.length + 1)}`,
    ...lines.map((line) => `| ${line} |`),
  ].join('\n');
}

/** Such as `12.3 (11.0–14.1)`; nothing for none. */
export function rangeText(values: readonly number[], digits?: number): string {
  if (values.length === 0) return '–';
  const text = (value: number): string =>
    digits === undefined ? numberText(value) : value.toFixed(digits);
  const middle = text(median(values));
  if (values.length === 1) return middle;
  return `${middle} (${text(Math.min(...values))}–${text(Math.max(...values))})`;
}

/** Three significant digits, and all of a larger whole number. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return 'none';
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString('en-US', { maximumFractionDigits: Math.min(digits, 4) });
}

function signOf(goal: Goal): string {
  return 'atMost' in goal ? '≤' : '≥';
}

function limitOf(goal: Goal): number {
  return 'atMost' in goal ? goal.atMost : goal.atLeast;
}

// Results as files, bench/results/<name>.json: what was measured, on what, when, and the command that
// does it again. A result that a document quotes stays in the tree.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench, BenchOptions, Findings } from './bench.ts';
import type { Machine } from './machine.ts';

const folder = join(import.meta.dirname, '..', 'results');

export interface Result extends Findings {
  readonly bench: string;
  readonly command: string;
  readonly question: string;
  readonly method: string;
  /** ISO 8601 UTC, when the run began. */
  readonly startedAt: string;
  readonly tookSeconds: number;
  /** Load average of a minute, before and after: whether somebody else was at work. */
  readonly load: { readonly before: number; readonly after: number };
  readonly machine: Machine;
}

/** `busy-page --minutes 10` is another question than `busy-page`, so it has its own file. */
export function resultName({ name }: Bench, options: BenchOptions): string {
  const { runs, minutes } = options;
  return [
    name,
    ...(runs === undefined ? [] : [`${runs}-runs`]),
    ...(minutes === undefined ? [] : [`${minutes}-minutes`]),
  ].join('.');
}

export function commandOf({ name }: Bench, { runs, minutes }: BenchOptions): string {
  const flags = [
    ...(runs === undefined ? [] : [`--runs ${runs}`]),
    ...(minutes === undefined ? [] : [`--minutes ${minutes}`]),
  ];
  return ['npm run bench --', name, ...flags].join(' ');
}

export function saveResult(name: string, result: Result): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
}

/** Null where that was never measured. */
export function findResult(name: string): Result | null {
  const file = join(folder, `${name}.json`);
  if (!existsSync(file)) return null;
  const result: Result = JSON.parse(readFileSync(file, 'utf8'));
  return result;
}

// Seam: one check of the doctor. It looks at one thing and says pass, fail with what to do, or why it did not look.
//
// Contract: `run` may take as long as its own bounds say and never longer; it closes what it opened. What it
// throws counts as a failure of that check alone. `say` prints a line at once, so that a person sees it work.

import type { DoctorOptions } from './options.ts';

export type Outcome =
  | { readonly result: 'PASS'; readonly note: string }
  | { readonly result: 'FAIL'; readonly problem: string; readonly fix: string }
  | { readonly result: 'SKIP'; readonly why: string };

export interface Examination {
  readonly options: DoctorOptions;
  say(line: string): void;
}

export interface Check {
  readonly name: string;
  run(examination: Examination): Promise<Outcome>;
}

export interface CheckedOutcome {
  readonly name: string;
  readonly outcome: Outcome;
}

export const pass = (note: string): Outcome => ({ result: 'PASS', note });
export const fail = (problem: string, fix: string): Outcome => ({ result: 'FAIL', problem, fix });
export const skip = (why: string): Outcome => ({ result: 'SKIP', why });

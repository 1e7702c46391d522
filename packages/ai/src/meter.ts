// What a run's model was asked for and said, in tokens: the provider's figures where it tells them, estimates elsewhere.
// A step's figure is taken once, by whoever writes its end; what nobody took counts too. Rules: RUN-14.
//
//   ask ─ hear … ─ tell: a step's figure      ask ─ refuse: nothing      ask ─ hear … ─ lose, or nothing more: estimated

import type { RunUsage } from '@millrace/protocol/runs';
import { textTokens } from './estimate.ts';
import { MAX_STEP_TOKENS } from './limits.ts';

export interface Told {
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
}

export interface Meter {
  /** A request goes out, so large. */
  ask(inputTokens: number): void;
  /** It said so. */
  hear(text: string): void;
  /** The provider would not take it: nobody pays. */
  refuse(): void;
  /** It broke off: whatever the provider counts, it will not say. */
  lose(): void;
  /** It ended with these figures. */
  tell(told: Told): void;
  /** Of the next step that ended, with what was lost before it. */
  takeStep(): RunUsage;
  /** All that no `takeStep` has answered. */
  readonly rest: RunUsage;
}

export const NO_USAGE: RunUsage = { inputTokens: 0, outputTokens: 0, isEstimated: false };

export function addUsage(one: RunUsage, other: RunUsage): RunUsage {
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    isEstimated: one.isEstimated || other.isEstimated,
  };
}

export function createMeter(): Meter {
  const ended: RunUsage[] = [];
  /** Of tries that broke off, for the step that is asked for again. */
  let lost = NO_USAGE;
  let open: { readonly input: number; output: number } | null = null;

  function estimateOfOpen(): RunUsage {
    if (open === null) return NO_USAGE;
    const { input, output } = open;
    return { inputTokens: input, outputTokens: Math.ceil(output), isEstimated: true };
  }

  function lose(): void {
    lost = addUsage(lost, estimateOfOpen());
    open = null;
  }

  return {
    ask(inputTokens) {
      lose();
      open = { input: inputTokens, output: 0 };
    },
    hear(text) {
      if (open !== null) open.output += textTokens(text);
    },
    refuse() {
      open = null;
    },
    lose,
    tell(figures) {
      const inputTokens = countOf(figures.inputTokens);
      const outputTokens = countOf(figures.outputTokens);
      const estimate = estimateOfOpen();
      const told = {
        inputTokens: inputTokens ?? estimate.inputTokens,
        outputTokens: outputTokens ?? estimate.outputTokens,
        isEstimated: inputTokens === undefined || outputTokens === undefined,
      };
      ended.push(addUsage(lost, told));
      lost = NO_USAGE;
      open = null;
    },
    takeStep() {
      const step = ended.shift();
      if (step !== undefined) return step;
      // It ended without a word of the model's.
      lose();
      const broken = lost;
      lost = NO_USAGE;
      return { ...broken, isEstimated: true };
    },
    get rest() {
      return ended.reduce(addUsage, addUsage(lost, estimateOfOpen()));
    },
  };
}

/** A provider may say anything; rows and events keep whole numbers. */
function countOf(told: number | undefined): number | undefined {
  const isCount = Number.isInteger(told) && told !== undefined && told >= 0;
  return isCount && told <= MAX_STEP_TOKENS ? told : undefined;
}

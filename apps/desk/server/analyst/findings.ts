// What the trading tools have answered for a question, checked: a tool of the same name may be somebody else's. Pure.
import * as z from 'zod';
import type {
  Comparison,
  Metrics,
  RunList,
  Suggestions,
  TradeAnalysis,
} from '../trading-tools/results.ts';
import {
  comparisonSchema,
  metricsSchema,
  runListSchema,
  suggestionsSchema,
  tradeAnalysisSchema,
} from '../trading-tools/results.ts';
import type { ToolOutcome } from './turn.ts';

export interface Findings {
  readonly trades: TradeAnalysis | null;
  readonly metrics: Metrics | null;
  readonly rules: Suggestions | null;
  readonly comparison: Comparison | null;
  readonly list: RunList | null;
  /** What failed, in the tools' own words. */
  readonly errors: readonly string[];
}

const answer = z.object({
  data: z.discriminatedUnion('kind', [
    tradeAnalysisSchema,
    metricsSchema,
    suggestionsSchema,
    comparisonSchema,
    runListSchema,
  ]),
});

export function findingsOf(outcomes: readonly ToolOutcome[]): Findings {
  const found: { -readonly [Key in keyof Findings]: Findings[Key] } = {
    ...{ trades: null, metrics: null, rules: null, comparison: null, list: null, errors: [] },
  };
  const errors: string[] = [];
  for (const { name, outcome } of outcomes) {
    if (outcome.is === 'failed') {
      errors.push(outcome.error);
      continue;
    }
    const parsed = answer.safeParse(outcome.output);
    if (!parsed.success) {
      errors.push(`What ${name} answered is not what I can read.`);
      continue;
    }
    const { data } = parsed.data;
    switch (data.kind) {
      case 'trade_analysis':
        found.trades = data;
        break;
      case 'metrics':
        found.metrics = data;
        break;
      case 'rule_suggestions':
        found.rules = data;
        break;
      case 'comparison':
        found.comparison = data;
        break;
      case 'run_list':
        found.list = data;
    }
  }
  return { ...found, errors: [...new Set(errors)] };
}

// The rules that an answer's tools have suggested, in the market's own form. Pure.

import type { Json, RunPart } from '@millrace/protocol/runs';
import { type TradingRule, tradingRuleSchema } from '../market/rule.ts';

export function suggestedRules(parts: readonly RunPart[]): readonly TradingRule[] {
  const outputs = parts.flatMap((part) =>
    part.type === 'tool' && part.name === 'suggest_rules' && part.status === 'done'
      ? [part.output]
      : [],
  );
  return outputs.flatMap((output) => rulesIn(output));
}

/** Wherever they stand in what the tool gave. */
function rulesIn(value: Json): readonly TradingRule[] {
  const rule = tradingRuleSchema.safeParse(value);
  if (rule.success) return [rule.data];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(rulesIn);
}

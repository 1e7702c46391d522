// `suggest_rules`: rules that answer a problem, each set to what would have helped most and with the figure for it. Pure.
import { plural } from '../agents/phrasing/words.ts';
import { byProfit } from '../figures/trade-statistics.ts';
import { toDollars } from '../market/money.ts';
import { describeRule } from '../market/rule.ts';
import type { RunRecord } from '../run-record/run-record.ts';
import type { Answer } from './analyze-trades.ts';
import {
  type Counterfactual,
  RECKONINGS,
  type Reckoned,
  type RuleKind,
} from './counterfactuals.ts';
import { usd, usdSigned } from './figures-in-words.ts';
import { headOf, idOf } from './lines.ts';
import type { Suggestion, Suggestions } from './results.ts';

const MAX_SUGGESTIONS = 3;
const NOTHING_CLOSED: Reckoned = { saved: null, why: 'no trade is closed yet.' };
const MAX_EXAMPLES = 5;

/** Which kinds of rule a problem speaks of, the clearest first. */
const FITS: readonly (readonly [RegExp, readonly RuleKind[]])[] = [
  [/stop|too late|let(ting)? .*run|big(gest)? loss|large loss|cut .*loss/, ['stop_loss']],
  [/draw ?down|fell|daily|bad days?|day.* loss|worst day/, ['max_daily_loss', 'stop_loss']],
  [/overtrad|too (many|often|much)|fees?|commission|churn|frequen/, ['max_trades_per_day']],
  [/hour|time|morning|afternoon|open(ing)?\b|clos(e|ing)\b|when/, ['trading_hours']],
  [/symbol|ticker|stock|instrument|which .*trade/, ['allowed_symbols']],
  [/size|sizing|position|concentrat|exposure|risk|large/, ['max_position', 'max_daily_loss']],
];

export function suggestRules(record: RunRecord, problem: string): Answer<Suggestions> {
  const fitting = FITS.filter(([words]) => words.test(problem.toLowerCase())).flatMap(
    ([, kinds]) => kinds,
  );
  const found: { readonly counterfactual: Counterfactual; readonly fit: number }[] = [];
  const rejected: { kind: string; why: string; fit: number }[] = [];
  for (const kind of KINDS) {
    const reckon = RECKONINGS[kind];
    if (reckon === undefined) continue;
    const fit = fitting.includes(kind) ? fitting.indexOf(kind) : fitting.length;
    const outcome = record.trades.length === 0 ? NOTHING_CLOSED : reckon(record);
    if (outcome.saved === null) rejected.push({ kind, why: outcome.why, fit });
    else if (!isInForce(record, outcome)) found.push({ counterfactual: outcome, fit });
    else
      rejected.push({ kind, why: 'a rule just so, or a stricter one, is in force already.', fit });
  }
  found.sort(
    (one, other) => one.fit - other.fit || other.counterfactual.saved - one.counterfactual.saved,
  );
  rejected.sort((one, other) => one.fit - other.fit);
  const data: Suggestions = {
    kind: 'rule_suggestions',
    run: headOf(record),
    problem,
    asked: [...new Set(fitting)],
    suggestions: found
      .slice(0, MAX_SUGGESTIONS)
      .map(({ counterfactual }) => suggestionOf(record, counterfactual)),
    rejected: rejected.map(({ kind, why }) => ({ kind, why })),
  };
  return { text: textOf(data), data };
}

const KINDS: readonly RuleKind[] = [
  ...(['stop_loss', 'max_daily_loss', 'allowed_symbols'] as const),
  ...(['trading_hours', 'max_trades_per_day', 'max_position'] as const),
];

function isInForce({ rules }: RunRecord, { rule }: Counterfactual): boolean {
  return rules.some((one) => {
    switch (one.kind) {
      case 'stop_loss':
        return rule.kind === 'stop_loss' && one.percent <= rule.percent;
      case 'max_daily_loss':
        return rule.kind === 'max_daily_loss' && one.percent <= rule.percent;
      case 'max_trades_per_day':
        return rule.kind === 'max_trades_per_day' && one.trades <= rule.trades;
      case 'max_position':
        return rule.kind === 'max_position' && one.percentOfEquity <= rule.percentOfEquity;
      case 'allowed_symbols':
        return (
          rule.kind === 'allowed_symbols' &&
          one.symbols.every((symbol) => rule.symbols.includes(symbol))
        );
      case 'trading_hours':
        return rule.kind === 'trading_hours' && one.from >= rule.from && one.to <= rule.to;
      case 'max_order_value':
        return false;
    }
  });
}

function suggestionOf({ run }: RunRecord, found: Counterfactual): Suggestion {
  const { rule, because, saved, affected, method } = found;
  const before = run.equity - run.startingCash;
  return {
    ...{ rule, words: describeRule(rule), because },
    counterfactual: {
      saved: toDollars(saved),
      profitBefore: toDollars(before),
      profitAfter: toDollars(before + saved),
      trades: affected.length,
      examples: byProfit(affected)
        .slice(0, MAX_EXAMPLES)
        .map(({ number }) => idOf(number)),
      method,
    },
  };
}

function textOf({ problem, asked, suggestions, rejected, run }: Suggestions): string {
  const [first] = suggestions;
  if (first === undefined) {
    const whys = rejected.map(({ kind, why }) => `${kind}: ${why}`).join(' ');
    return `Based on '${problem}', I suggest no rule: none would have helped ${run.model}, run #${run.number}. ${whys}`;
  }
  const each = suggestions.map(
    ({ words, because, counterfactual: { saved, trades, examples } }, n) =>
      `${n + 1}. ${words}. ${because} Counterfactual: ${usd(saved)} saved, by ${plural(trades, 'trade')} (${examples.join(', ')}).`,
  );
  const { profitBefore, profitAfter } = first.counterfactual;
  return [
    `Based on '${problem}', I suggest:`,
    ...rejected
      .filter(({ kind }) => asked.includes(kind))
      .map(({ kind, why }) => `No ${kind}: ${why}`),
    ...each,
    `With the first, ${run.model}, run #${run.number}, would stand at ${usdSigned(profitAfter)} in place of ${usdSigned(profitBefore)}. ${first.counterfactual.method}`,
  ].join('\n');
}

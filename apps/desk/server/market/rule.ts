// Trading rules that a person accepts for an agent, and the words in which the exchange refuses.
// Owns: the shapes (also as a schema, for storage and forms) and one sentence for each.
// Enforcement is in order-check.ts; a stop loss is carried out in stop-loss.ts.
import { z } from 'zod';

type Named = { readonly id: string };
export type TradingRule =
  /** A position may be worth at most this share of equity. */
  | (Named & { kind: 'max_position'; percentOfEquity: number })
  /** At this loss against cost the position is sold, and not bought again that day. */
  | (Named & { kind: 'stop_loss'; percent: number })
  | (Named & { kind: 'max_trades_per_day'; trades: number })
  | (Named & { kind: 'allowed_symbols'; symbols: string[] })
  /** `HH:MM` in the market's time (UTC); from inclusive, to exclusive. */
  | (Named & { kind: 'trading_hours'; from: string; to: string })
  /** Largest value of one order, in whole dollars. */
  | (Named & { kind: 'max_order_value'; dollars: number })
  /** No buying once the day's loss reaches this share of the equity at its opening. */
  | (Named & { kind: 'max_daily_loss'; percent: number });

const id = z.string().min(1).max(80);
const percent = z.number().positive().max(100);
const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/);

export const tradingRuleSchema: z.ZodType<TradingRule> = z.discriminatedUnion('kind', [
  z.object({ id, kind: z.literal('max_position'), percentOfEquity: percent }),
  z.object({ id, kind: z.literal('stop_loss'), percent }),
  z.object({ id, kind: z.literal('max_trades_per_day'), trades: z.int().min(0).max(100_000) }),
  z.object({ id, kind: z.literal('allowed_symbols'), symbols: z.array(z.string()).max(500) }),
  z.object({ id, kind: z.literal('trading_hours'), from: clock, to: clock }),
  z.object({ id, kind: z.literal('max_order_value'), dollars: z.number().positive().max(1e9) }),
  z.object({ id, kind: z.literal('max_daily_loss'), percent }),
]);

/** The rule as a person would say it. */
export function describeRule(rule: TradingRule): string {
  switch (rule.kind) {
    case 'max_position':
      return `no position above ${rule.percentOfEquity}% of equity`;
    case 'stop_loss':
      return `sell a position that has lost ${rule.percent}%`;
    case 'max_trades_per_day':
      return `at most ${rule.trades} trades a day`;
    case 'allowed_symbols':
      return `only ${rule.symbols.join(', ')}`;
    case 'trading_hours':
      return `only between ${rule.from} and ${rule.to} UTC`;
    case 'max_order_value':
      return `no order above $${rule.dollars}`;
    case 'max_daily_loss':
      return `no buying after a loss of ${rule.percent}% in a day`;
  }
}

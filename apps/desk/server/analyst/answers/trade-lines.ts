// Trades as an answer cites them: a table of figures, and a line for why each was opened and closed. Pure.
import { plural } from '../../agents/phrasing/words.ts';
import {
  duration,
  pct,
  pctSigned,
  stamp,
  usd,
  usdSigned,
} from '../../trading-tools/figures-in-words.ts';
import type { GroupLine, OrderLine, RunHead, TradeLine } from '../../trading-tools/results.ts';
import { bullets, plain, table } from './markdown.ts';

export function tradeTable(trades: readonly TradeLine[]): string {
  return table(
    ['Trade', 'Symbol', 'Shares', 'In → out', 'Held', 'Closed (UTC)', 'Profit', 'On cost'],
    'llrrrlrr',
    trades.map((trade) => [
      ...[trade.id, `**${plain(trade.symbol)}**`, trade.quantity.toLocaleString('en-US')],
      ...[`${usd(trade.entryPrice)} → ${usd(trade.exitPrice)}`, duration(trade.heldMinutes)],
      ...[stamp(trade.closedAt), usdSigned(trade.profit), pctSigned(trade.profitPercent)],
    ]),
  );
}

/** Null where no reasoning is kept for any of them. */
export function tradeReasons(trades: readonly TradeLine[]): string | null {
  const told = trades.flatMap((trade) => {
    const why = reasonOf(trade);
    return why === null
      ? []
      : [`**${trade.id}** ${plain(trade.symbol)} (${usdSigned(trade.profit)}): ${why}`];
  });
  return told.length === 0 ? null : bullets(told);
}

/** `bought because …; sold because …`. */
export function reasonOf({ direction, whyOpened, whyClosed }: TradeLine): string | null {
  const [into, out] = direction === 'long' ? ['bought', 'sold'] : ['sold', 'bought back'];
  if (whyOpened !== null && whyOpened === whyClosed) {
    return `${into} and ${out} at once because ${plain(whyOpened)}.`;
  }
  const parts = [
    ...(whyOpened === null ? [] : [`${into} because ${plain(whyOpened)}`]),
    ...(whyClosed === null ? [] : [`${out} because ${plain(whyClosed)}`]),
  ];
  return parts.length === 0 ? null : `${parts.join('; ')}.`;
}

/** `#687 ZUNO -$455.84`. */
export function cited({ id, symbol, profit }: TradeLine): string {
  return `${id} ${plain(symbol)} (${usdSigned(profit)})`;
}

export function groupTable(
  title: string,
  groups: readonly GroupLine[],
  name: (key: string) => string = plain,
): string {
  return table(
    [title, 'Trades', 'Won', 'Profit'],
    'lrrr',
    groups.map(({ key, trades, winRatePercent, profit }) => [
      ...[name(key), String(trades), pct(winRatePercent, 0), usdSigned(profit)],
    ]),
  );
}

/** `09` as `09:00–10:00`. */
export function hourName(key: string): string {
  return `${key}:00–${String(Number(key) + 1).padStart(2, '0')}:00`;
}

export function orderLine({
  id,
  at,
  side,
  symbol,
  quantity,
  price,
  realised,
  why,
}: OrderLine): string {
  const did = side === 'buy' ? 'bought' : 'sold';
  const brought = realised === null ? '' : `, ${usdSigned(realised)} before fees`;
  const because = why === null ? '' : `: ${plain(why)}`;
  return `**${id}** ${stamp(at)} ${did} ${plural(quantity, 'share')} of ${plain(symbol)} at ${usd(price)}${brought}${because}.`;
}

/** `GPT-4 Momentum (run #1)`. */
export function runName({ model, number }: Pick<RunHead, 'model' | 'number'>): string {
  return `${plain(model)} (run #${number})`;
}

export function cutNote({ cut }: RunHead): string | null {
  return cut === null ? null : `*${cut}*`;
}

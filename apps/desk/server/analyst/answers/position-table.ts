// What a run holds, as a table. Pure.
import { pct, usd, usdSigned } from '../../trading-tools/figures-in-words.ts';
import type { PositionLine } from '../../trading-tools/results.ts';
import { plain, table } from './markdown.ts';

export function positionTable(positions: readonly PositionLine[]): string {
  return table(
    ['Symbol', 'Shares', 'Cost', 'Value', 'Open profit', 'Of equity'],
    'lrrrrr',
    positions.map(({ symbol, quantity, cost, value, unrealised, sharePercent }) => [
      ...[`**${plain(symbol)}**`, quantity.toLocaleString('en-US'), usd(cost), usd(value)],
      ...[usdSigned(unrealised), pct(sharePercent)],
    ]),
  );
}

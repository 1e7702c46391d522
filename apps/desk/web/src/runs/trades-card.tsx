// What a run did last: its trades, each with its number, and the orders that a rule refused, newest first.

import type { ReactElement } from 'react';
import type { RunFill, RunRefusal } from '../../../shared/trading.ts';
import { Card } from '../parts/card.tsx';
import {
  formatMarketMoment,
  formatPrice,
  formatSignedDollars,
  formatWhole,
} from '../parts/format.ts';

interface TradesCardProps {
  readonly fills: readonly RunFill[];
  readonly refusals: readonly RunRefusal[];
}

type Row =
  | { readonly is: 'fill'; readonly tick: number; readonly fill: RunFill }
  | { readonly is: 'refusal'; readonly tick: number; readonly refusal: RunRefusal };

export function TradesCard({ fills, refusals }: TradesCardProps): ReactElement {
  const rows = [
    ...fills.map((fill): Row => ({ is: 'fill', tick: fill.tick, fill })),
    ...refusals.map((refusal): Row => ({ is: 'refusal', tick: refusal.tick, refusal })),
  ].sort((a, b) => b.tick - a.tick);
  return (
    <Card title="Trades" note="newest first; ask about one by its number" className="min-h-[200px]">
      {rows.length === 0 ? (
        <p className="p-4 text-quiet">No trade yet. It is watching the market.</p>
      ) : (
        <ol className="divide-y divide-line">
          {rows.map((row) => (
            <li
              key={row.is === 'fill' ? row.fill.number : `refused ${row.refusal.decisionNumber}`}
              className="tabular grid grid-cols-[3.5rem_minmax(0,1fr)_auto] items-baseline gap-x-3 px-4 py-1.5 text-[13px]"
            >
              {row.is === 'fill' ? <Fill fill={row.fill} /> : <Refusal refusal={row.refusal} />}
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}

function Fill({ fill }: { readonly fill: RunFill }): ReactElement {
  const isBuy = fill.side === 'buy';
  return (
    <>
      <span className="text-xs text-quiet">#{fill.number}</span>
      <span className="min-w-0">
        <span className={`font-semibold ${isBuy ? 'text-up' : 'text-down'}`}>
          {isBuy ? 'Buy' : 'Sell'}
        </span>{' '}
        {formatWhole(fill.quantity)} {fill.symbol} @ {formatPrice(fill.price)}
        {Math.round(fill.realised) === 0 ? null : (
          <span className={fill.realised > 0 ? 'text-up' : 'text-down'}>
            {' '}
            {formatSignedDollars(fill.realised)}
          </span>
        )}
      </span>
      <time dateTime={fill.time} title={fill.time} className="text-xs text-quiet">
        {formatMarketMoment(fill.time)}
      </time>
    </>
  );
}

function Refusal({ refusal }: { readonly refusal: RunRefusal }): ReactElement {
  return (
    <>
      <span className="text-xs text-warn">refused</span>
      <span className="min-w-0">
        {refusal.side} {formatWhole(refusal.quantity)} {refusal.symbol}: {refusal.reason}
      </span>
      <time dateTime={refusal.time} title={refusal.time} className="text-xs text-quiet">
        {formatMarketMoment(refusal.time)}
      </time>
    </>
  );
}

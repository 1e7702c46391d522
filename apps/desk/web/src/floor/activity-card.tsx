// What was traded last: fills and refused orders of the channel `agent_activity`, newest first.

import { useChannel } from '@millrace/react';
import type { ReactElement } from 'react';
import type { MarketAnswer } from '../../../shared/api.ts';
import { agentActivity } from '../../../shared/channels.ts';
import type { FillEvent, RefusalEvent } from '../../../shared/market-events.ts';
import { Card } from '../parts/card.tsx';
import {
  formatMarketTime,
  formatPrice,
  formatSignedDollars,
  formatWhole,
} from '../parts/format.ts';

const ACTIVITY = agentActivity.of();
const KEEP = 60;

type Row =
  | { readonly is: 'fill'; readonly key: string; readonly fill: FillEvent }
  | { readonly is: 'refusal'; readonly key: string; readonly refusal: RefusalEvent };

export function ActivityCard({ first }: { readonly first: MarketAnswer }): ReactElement {
  const { events } = useChannel(ACTIVITY, { start: { last: KEEP }, keep: KEEP });
  const names = new Map(first.agents.map((agent) => [agent.id, agent.name]));
  const rows = events.map(
    (event): Row =>
      event.type === 'fill'
        ? { is: 'fill', key: `${event.offset}`, fill: event.data }
        : { is: 'refusal', key: `${event.offset}`, refusal: event.data },
  );
  return (
    <Card title="Trades" note="newest first" className="h-[380px]">
      {rows.length === 0 ? (
        <p className="p-4 text-quiet">No trades yet. The agents are watching the market.</p>
      ) : (
        <ol
          tabIndex={0}
          aria-label="Trades"
          className="flex-1 divide-y divide-line overflow-y-auto"
        >
          {rows.toReversed().map((row) => (
            <li key={row.key} className="px-4 py-2 text-[13px]">
              {row.is === 'fill' ? (
                <Fill fill={row.fill} name={names.get(row.fill.agentId) ?? row.fill.agentId} />
              ) : (
                <Refusal
                  refusal={row.refusal}
                  name={names.get(row.refusal.agentId) ?? row.refusal.agentId}
                />
              )}
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}

function Fill({ fill, name }: { readonly fill: FillEvent; readonly name: string }): ReactElement {
  const isBuy = fill.side === 'buy';
  return (
    <div className="grid grid-cols-[1fr_auto] gap-x-3">
      <span className="truncate">{name}</span>
      <time dateTime={fill.time} title={fill.time} className="tabular text-xs text-quiet">
        {formatMarketTime(fill.time)}
      </time>
      <span className="tabular">
        <span className={`font-semibold ${isBuy ? 'text-up' : 'text-down'}`}>
          {isBuy ? 'Buy' : 'Sell'}
        </span>{' '}
        {formatWhole(fill.quantity)} {fill.symbol} @ {formatPrice(fill.price)}
      </span>
      {Math.round(fill.realised) === 0 ? null : (
        <span className={`tabular text-xs ${fill.realised > 0 ? 'text-up' : 'text-down'}`}>
          {formatSignedDollars(fill.realised)}
        </span>
      )}
    </div>
  );
}

function Refusal({
  refusal,
  name,
}: {
  readonly refusal: RefusalEvent;
  readonly name: string;
}): ReactElement {
  return (
    <div className="grid grid-cols-[1fr_auto] gap-x-3">
      <span className="truncate">{name}</span>
      <time dateTime={refusal.time} title={refusal.time} className="tabular text-xs text-quiet">
        {formatMarketTime(refusal.time)}
      </time>
      <span className="col-span-2">
        <span className="font-semibold text-warn">Refused</span> {refusal.side}{' '}
        {formatWhole(refusal.quantity)} {refusal.symbol}: {refusal.reason}
      </span>
    </div>
  );
}

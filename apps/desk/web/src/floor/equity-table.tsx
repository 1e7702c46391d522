// The chart's figures as a table, newest first: for people who cannot see lines, and for those who want numbers.

import type { ReactElement } from 'react';
import type { AgentInfo } from '../../../shared/api.ts';
import type { EquitySeries } from '../../../shared/equity-series.ts';
import { formatDollars, formatMarketTime } from '../parts/format.ts';

interface EquityTableProps {
  readonly series: EquitySeries;
  readonly agents: readonly AgentInfo[];
}

export function EquityTable({ series, agents }: EquityTableProps): ReactElement {
  const nameOf = new Map(agents.map((agent) => [agent.id, agent.name]));
  return (
    <div
      tabIndex={0}
      role="region"
      aria-label="Equity table"
      className="max-h-[376px] min-w-0 overflow-auto"
    >
      <table className="tabular w-full text-right text-[13px]">
        <thead className="sticky top-0 bg-raised text-xs text-quiet">
          <tr>
            <th scope="col" className="px-4 py-2 text-left font-medium">
              Time
            </th>
            {series.agentIds.map((id) => (
              <th key={id} scope="col" className="px-3 py-2 font-medium">
                {nameOf.get(id) ?? id}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {series.points.toReversed().map((point) => (
            <tr key={point.tick}>
              <th
                scope="row"
                className="whitespace-nowrap px-4 py-1.5 text-left font-normal text-quiet"
              >
                <time dateTime={point.time}>{formatMarketTime(point.time)}</time>
              </th>
              {point.equity.map((equity, index) => (
                <td key={series.agentIds[index]} className="px-3 py-1.5">
                  {formatDollars(equity)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

// What a run holds, at cost and at the market.

import type { ReactElement } from 'react';
import type { RunPosition } from '../../../shared/run-figures.ts';
import { Card } from '../parts/card.tsx';
import { formatDollars, formatPrice, formatSignedDollars, formatWhole } from '../parts/format.ts';

export function PositionsCard({
  positions,
}: {
  readonly positions: readonly RunPosition[];
}): ReactElement {
  return (
    <Card title="Positions" note="at the market" className="flex-none">
      {positions.length === 0 ? (
        <p className="p-4 text-quiet">It holds nothing but cash.</p>
      ) : (
        <div tabIndex={0} role="group" aria-label="Table of positions" className="overflow-x-auto">
          <table className="tabular w-full text-right text-[13px]">
            <thead className="bg-raised text-xs text-quiet">
              <tr>
                {['Symbol', 'Quantity', 'Cost', 'Value', 'Profit'].map((name, column) => (
                  <th
                    key={name}
                    scope="col"
                    className={`px-2 py-2 font-medium sm:px-4 ${column === 0 ? 'text-left' : ''}`}
                  >
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody className="divide-y divide-line">
              {positions.map(({ symbol, quantity, averageCost, value, profit }) => (
                <tr key={symbol}>
                  <th
                    scope="row"
                    className="whitespace-nowrap px-2 py-1.5 sm:px-4 text-left font-medium"
                  >
                    {symbol}
                  </th>
                  <td className="whitespace-nowrap px-2 py-1.5 sm:px-4">{formatWhole(quantity)}</td>
                  <td className="whitespace-nowrap px-2 py-1.5 sm:px-4">
                    {formatPrice(averageCost)}
                  </td>
                  <td className="whitespace-nowrap px-2 py-1.5 sm:px-4">{formatDollars(value)}</td>
                  <td
                    className={`whitespace-nowrap px-2 py-1.5 sm:px-4 ${profit > 0 ? 'text-up' : profit < 0 ? 'text-down' : ''}`}
                  >
                    {formatSignedDollars(profit)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}

// One equity chart of all agents, with who is up and down beside it, or the same as a table.

import { useChannel } from '@millrace/react';
import { type ReactElement, useState } from 'react';
import type { MarketAnswer } from '../../../shared/api.ts';
import { agentEquity } from '../../../shared/channels.ts';
import { Button } from '../parts/button.tsx';
import { Card } from '../parts/card.tsx';
import { Change } from '../parts/change.tsx';
import { formatDollars, formatSignedDollars } from '../parts/format.ts';
import { EquityChart } from './equity-chart.tsx';
import { EquityTable } from './equity-table.tsx';
import { LineSample } from './line-sample.tsx';
import { rankAgents } from './rank-agents.ts';

const EQUITY = agentEquity.of();

export function EquityCard({ first }: { readonly first: MarketAnswer }): ReactElement {
  const { state } = useChannel(EQUITY);
  const [isTable, setIsTable] = useState(false);
  const series = state ?? first.equity;
  return (
    <Card
      title="Equity"
      note="since the agents began, US dollars"
      className="xl:h-[380px]"
      controls={
        <Button aria-pressed={isTable} onClick={() => setIsTable(!isTable)}>
          {isTable ? 'Show chart' : 'Show table'}
        </Button>
      }
    >
      {series.points.length === 0 ? (
        <p className="p-4 text-quiet">The chart begins with the first tick of the market.</p>
      ) : (
        <div className="grid min-h-0 flex-1 gap-x-2 lg:grid-cols-[minmax(0,1fr)_270px]">
          {isTable ? (
            <EquityTable series={series} agents={first.agents} />
          ) : (
            <EquityChart series={series} agents={first.agents} />
          )}
          <Standing agents={first.agents} series={series} />
        </div>
      )}
    </Card>
  );
}

function Standing({
  agents,
  series,
}: {
  readonly agents: MarketAnswer['agents'];
  readonly series: MarketAnswer['equity'];
}): ReactElement {
  return (
    <ol
      aria-label="Agents by equity"
      className="flex flex-col justify-center gap-1 px-4 py-2 lg:border-l lg:border-line"
    >
      {rankAgents(agents, series.latest?.accounts ?? []).map(({ agent, account }) => (
        <li
          key={agent.id}
          className="grid grid-cols-[auto_1fr_auto] items-baseline gap-x-2 py-1 text-[13px]"
        >
          <LineSample color={agent.color} index={agents.indexOf(agent)} />
          <span className="truncate font-medium" title={agent.description}>
            {agent.name}
          </span>
          <span className="tabular">{formatDollars(account.equity)}</span>
          <span className="tabular col-start-2 text-xs text-quiet">
            {formatSignedDollars(account.profit)} in all
          </span>
          <Change
            share={account.dayProfit / (account.equity - account.dayProfit)}
            className="justify-self-end text-xs"
          />
        </li>
      ))}
    </ol>
  );
}

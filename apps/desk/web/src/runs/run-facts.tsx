// How a run stands, in figures: live while it trades.

import type { ReactElement, ReactNode } from 'react';
import type { RunFigures } from '../../../shared/run-figures.ts';
import type { ModelInfo, RunInfo } from '../../../shared/trading.ts';
import { Card } from '../parts/card.tsx';
import { formatDollars, formatSignedDollars, formatWhole } from '../parts/format.ts';
import { AiSettings } from './ai-settings.tsx';
import { RunReturn } from './run-return.tsx';
import { StatusDot } from './status-dot.tsx';
import { STRATEGIES } from './strategies.ts';

interface RunFactsProps {
  readonly model: ModelInfo;
  readonly run: RunInfo;
  readonly live: RunFigures | null;
  readonly acts: ReactNode;
}

const SOURCES = {
  market: 'live market',
  csv: 'imported trades',
  replay: 'imported prices',
} as const;

export function RunFacts({ model, run, live, acts }: RunFactsProps): ReactElement {
  const equity = live?.equity ?? run.equity;
  const profit = live?.profit ?? run.profit;
  return (
    <Card
      title={`${model.name}, run #${run.number}`}
      note={`${STRATEGIES[model.strategy]}, ${SOURCES[run.source]}`}
      controls={
        <>
          {acts}
          <AiSettings modelId={model.id} />
          <StatusDot status={live?.status === 'completed' ? 'completed' : run.status} hasWord />
        </>
      }
    >
      <dl className="tabular grid grid-cols-2 gap-x-4 gap-y-3 px-4 py-3 sm:grid-cols-3 2xl:grid-cols-6">
        <Fact name="Equity">{formatDollars(equity)}</Fact>
        <Fact name="Return">
          <RunReturn run={run} />
        </Fact>
        <Fact name="Profit">{formatSignedDollars(profit)}</Fact>
        <Fact name="Cash">{formatDollars(live?.cash ?? run.cash)}</Fact>
        <Fact name="Trades">{formatWhole(run.fills)}</Fact>
        <Fact name="Won">
          {run.closings === 0 ? '–' : `${Math.round((run.wins / run.closings) * 100)}%`}
        </Fact>
      </dl>
    </Card>
  );
}

function Fact({
  name,
  children,
}: {
  readonly name: string;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-quiet">{name}</dt>
      <dd className="truncate text-[15px] font-medium">{children}</dd>
    </div>
  );
}

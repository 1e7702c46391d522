// A run's equity since it began, as a curve or a table; its newest figure is live.

import { type ReactElement, useEffect, useMemo, useState } from 'react';
import type { AgentInfo } from '../../../shared/api.ts';
import type { EquitySeries } from '../../../shared/equity-series.ts';
import type { RunFigures } from '../../../shared/run-figures.ts';
import type { EquityAnswer, ModelInfo, RunInfo } from '../../../shared/trading.ts';
import { useJson } from '../data/use-json.ts';
import { EquityChart } from '../floor/equity-chart.tsx';
import { EquityTable } from '../floor/equity-table.tsx';
import { Button } from '../parts/button.tsx';
import { Card } from '../parts/card.tsx';

interface RunEquityCardProps {
  readonly model: ModelInfo;
  readonly run: RunInfo;
  readonly live: RunFigures | null;
}

/** The curve is fetched anew when it is so far behind; until then only its end is live. */
const MAX_BEHIND_TICKS = 60;

/** The run's line. */
const COLOR = '#2F8FA3';

export function RunEquityCard({ model, run, live }: RunEquityCardProps): ReactElement {
  const [answer, again] = useJson<EquityAnswer>(
    `/api/models/${encodeURIComponent(model.id)}/runs/${run.id}/equity?points=400`,
  );
  const [isTable, setIsTable] = useState(false);
  const last = answer.is === 'loaded' ? answer.value.points.at(-1) : undefined;
  const behind = live === null || last === undefined ? 0 : live.tick - last.tick;
  useEffect(() => {
    if (behind > MAX_BEHIND_TICKS) again();
  }, [behind, again]);
  const points = answer.is === 'loaded' ? answer.value.points : null;
  const series = useMemo(
    () => (points === null ? null : seriesOf(model.id, points, live)),
    [model.id, points, live],
  );
  const agents = useMemo(
    (): AgentInfo[] => [
      { id: model.id, name: model.name, color: COLOR, description: '', startingCash: 0 },
    ],
    [model.id, model.name],
  );
  return (
    <Card
      title="Equity"
      note="since the run began, US dollars"
      className="h-[320px] flex-none"
      controls={
        <Button aria-pressed={isTable} onClick={() => setIsTable(!isTable)}>
          {isTable ? 'Show chart' : 'Show table'}
        </Button>
      }
    >
      {answer.is === 'failed' ? (
        <p role="alert" className="p-4 text-quiet">
          {answer.message}{' '}
          <button type="button" className="underline underline-offset-2" onClick={again}>
            Try again
          </button>
        </p>
      ) : series === null || series.points.length < 2 ? (
        <p className="p-4 text-quiet">
          {series === null ? 'Loading the curve…' : 'The curve begins with the run’s first points.'}
        </p>
      ) : isTable ? (
        <EquityTable series={series} agents={agents} />
      ) : (
        <div className="grid min-h-0 flex-1">
          <EquityChart series={series} agents={agents} />
        </div>
      )}
    </Card>
  );
}

function seriesOf(
  modelId: string,
  points: EquityAnswer['points'],
  live: RunFigures | null,
): EquitySeries {
  const last = points.at(-1);
  const isNewer = live !== null && (last === undefined || live.tick > last.tick);
  const all = isNewer ? [...points, live] : points;
  return {
    agentIds: [modelId],
    everyTicks: 1,
    points: all.map(({ tick, time, equity }) => ({ tick, time, equity: [equity] })),
    latest: null,
  };
}

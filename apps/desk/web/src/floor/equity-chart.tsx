// The equity chart, drawn by uPlot: axes with units, a crosshair with the values under it, a line style per agent.
// New data goes into the standing chart; only another size of line-up or another theme makes a new one.

import { type ReactElement, useEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { AgentInfo } from '../../../shared/api.ts';
import type { EquitySeries } from '../../../shared/equity-series.ts';
import { formatDollars, formatMarketTime } from '../parts/format.ts';
import { readColor, useGround } from '../parts/use-ground.ts';
import { type Columns, equityColumns } from './equity-data.ts';
import { lineStyle } from './line-style.ts';

interface EquityChartProps {
  readonly series: EquitySeries;
  readonly agents: readonly AgentInfo[];
}

export function EquityChart({ series, agents }: EquityChartProps): ReactElement {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(null);
  const [under, setUnder] = useState<number | null>(null);
  const ground = useGround();
  const columns = useMemo(() => equityColumns(series), [series]);
  const drawn = useRef<Columns>(columns);
  const lineUp = series.agentIds.join();

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const options = chartOptions(lineUp.split(','), agents, ground, setUnder);
    const made = new uPlot({ ...options, ...sizeOf(element) }, drawn.current, element);
    chart.current = made;
    const observer = new ResizeObserver(() => made.setSize(sizeOf(element)));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [lineUp, agents, ground]);

  useEffect(() => {
    drawn.current = columns;
    chart.current?.setData(columns);
  }, [columns]);

  return (
    <div className="relative min-w-0 p-2">
      <div
        ref={box}
        role="img"
        aria-label="Equity of each agent over time. The same figures stand in the table view."
        className="chart h-[260px] w-full lg:h-full"
      />
      {under === null ? null : (
        <Values columns={columns} index={under} series={series} agents={agents} />
      )}
    </div>
  );
}

function Values({
  columns,
  index,
  series,
  agents,
}: EquityChartProps & { readonly columns: Columns; readonly index: number }): ReactElement | null {
  const seconds = columns[0][index];
  if (seconds === undefined) return null;
  const nameOf = new Map(agents.map((agent) => [agent.id, agent.name]));
  return (
    <dl className="tabular pointer-events-none absolute top-3 left-20 grid grid-cols-[auto_auto] gap-x-3 rounded-md border border-line bg-surface/90 px-3 py-2 text-xs">
      <dt className="col-span-2 text-quiet">
        {formatMarketTime(new Date(seconds * 1_000).toISOString())}
      </dt>
      {series.agentIds.map((id, column) => (
        <div key={id} className="contents">
          <dt>{nameOf.get(id) ?? id}</dt>
          <dd className="text-right">{formatDollars(columns[column + 1]?.[index] ?? 0)}</dd>
        </div>
      ))}
    </dl>
  );
}

function chartOptions(
  agentIds: readonly string[],
  agents: readonly AgentInfo[],
  ground: string,
  onCursor: (index: number | null) => void,
): Omit<uPlot.Options, 'width' | 'height'> {
  const axis = {
    stroke: readColor('--quiet'),
    grid: { stroke: readColor('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    legend: { show: false },
    cursor: { y: false, points: { size: 7 } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC'),
    hooks: { setCursor: [(chart) => onCursor(chart.cursor.idx ?? null)] },
    axes: [
      { ...axis, space: 80 },
      { ...axis, size: 68, values: (_, ticks) => ticks.map(formatDollars) },
    ],
    series: [
      {},
      ...agentIds.map((id, index) => {
        const agent = agents.find((one) => one.id === id);
        const style = lineStyle(agent?.color ?? '#808080', index, ground);
        return {
          label: agent?.name ?? id,
          stroke: style.color,
          width: 2,
          dash: [...style.dash],
          points: { show: false },
        };
      }),
    ],
  };
}

function sizeOf(element: HTMLElement): { width: number; height: number } {
  return { width: element.clientWidth, height: element.clientHeight };
}

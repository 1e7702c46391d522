// The equity chart, drawn by uPlot: axes with units, a crosshair with the values under it, a line style per agent.
// New data goes into the standing chart; only another size of line-up or another theme makes a new one.

import { type ReactElement, useEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { AgentInfo } from '../../../shared/api.ts';
import type { EquitySeries } from '../../../shared/equity-series.ts';
import { formatDollars, formatMarketMoment } from '../parts/format.ts';
import { readColor, useGround } from '../parts/use-ground.ts';
import { type EquityColumns, equityColumns } from './equity-data.ts';
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
  const data = useMemo(() => equityColumns(series), [series]);
  const drawn = useRef<EquityColumns>(data);
  const lineUp = series.agentIds.join();

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const options = chartOptions({
      agentIds: lineUp.split(','),
      agents,
      ground,
      times: () => drawn.current,
      onCursor: setUnder,
    });
    const made = new uPlot({ ...options, ...sizeOf(element) }, drawn.current.columns, element);
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
    drawn.current = data;
    chart.current?.setData(data.columns);
  }, [data]);

  return (
    <div className="relative min-w-0 p-2">
      <div
        ref={box}
        role="img"
        aria-label="Equity of each agent over time. The same figures stand in the table view."
        className="chart h-[260px] w-full lg:h-full"
      />
      {under === null ? null : <Values data={data} index={under} series={series} agents={agents} />}
    </div>
  );
}

function Values({
  data,
  index,
  series,
  agents,
}: EquityChartProps & {
  readonly data: EquityColumns;
  readonly index: number;
}): ReactElement | null {
  const time = data.times[index];
  if (time === undefined) return null;
  const nameOf = new Map(agents.map((agent) => [agent.id, agent.name]));
  return (
    <dl
      // On the side where the crosshair is not.
      className={`${index * 2 > data.times.length ? 'left-20' : 'right-6'} tabular pointer-events-none absolute top-3 grid grid-cols-[auto_auto] gap-x-3 rounded-md border border-line bg-surface/90 px-3 py-2 text-xs`}
    >
      <dt className="col-span-2 text-quiet">{formatMarketMoment(time)}</dt>
      {series.agentIds.map((id, column) => (
        <div key={id} className="contents">
          <dt>{nameOf.get(id) ?? id}</dt>
          <dd className="text-right">{formatDollars(data.columns[column + 1]?.[index] ?? 0)}</dd>
        </div>
      ))}
    </dl>
  );
}

interface ChartSetup {
  readonly agentIds: readonly string[];
  readonly agents: readonly AgentInfo[];
  readonly ground: string;
  /** What is drawn now. */
  readonly times: () => EquityColumns;
  readonly onCursor: (index: number | null) => void;
}

function chartOptions({
  agentIds,
  agents,
  ground,
  times,
  onCursor,
}: ChartSetup): Omit<uPlot.Options, 'width' | 'height'> {
  const axis = {
    stroke: readColor('--quiet'),
    grid: { stroke: readColor('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    legend: { show: false },
    // Half of the last tick's label stands to the right of the plot.
    padding: [null, 40, null, null],
    cursor: { y: false, points: { size: 7 } },
    scales: { x: { time: false }, y: { range: rangeOf } },
    hooks: { setCursor: [(chart) => onCursor(chart.cursor.idx ?? null)] },
    axes: [
      {
        ...axis,
        space: 90,
        size: 32,
        values: (_, ticks) => eachOnce(ticks.map((tick) => timeOf(tick, times()))),
      },
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

/** A flat line stands in the middle of its money, not of everything from 0 to twice that. */
function rangeOf(_: uPlot, low: number, high: number): [number, number] {
  if (low === high && low > 0) return [low * 0.99, high * 1.01];
  const [from, to] = uPlot.rangeNum(low, high, 0.1, true);
  return [from ?? low, to ?? high];
}

/** Where rows are few, several places have the same nearest one: only the first says its time. */
function eachOnce(labels: readonly string[]): string[] {
  return labels.map((label, at) => (label === labels[at - 1] ? '' : label));
}

/** The time of the drawn row that is nearest to a place on the axis. */
function timeOf(tick: number, { columns, times }: EquityColumns): string {
  const [ticks] = columns;
  const after = ticks.findIndex((one) => one >= tick);
  const time = times[after < 0 ? times.length - 1 : after];
  return time === undefined ? '' : formatMarketMoment(time);
}

function sizeOf(element: HTMLElement): { width: number; height: number } {
  return { width: element.clientWidth, height: element.clientHeight };
}

// The sidebar: one's own models and the Floor's, each with how its newest run stands; the chosen one opens to its runs.

import type { ReactElement } from 'react';
import { Link } from 'wouter';
import type { ModelInfo, RunsAnswer } from '../../../shared/trading.ts';
import { useJson } from '../data/use-json.ts';
import { formatMarketMoment } from '../parts/format.ts';
import { runPath } from './run-path.ts';
import { RunReturn } from './run-return.tsx';
import { StatusDot } from './status-dot.tsx';

interface ModelListProps {
  readonly models: readonly ModelInfo[];
  readonly model: ModelInfo;
  readonly runId: string | null;
}

export function ModelList({ models, model, runId }: ModelListProps): ReactElement {
  const mine = models.filter(({ owner }) => owner === 'you');
  const floor = models.filter(({ owner }) => owner === 'floor');
  return (
    <nav
      aria-label="Models and runs"
      className="flex min-h-0 flex-col gap-3 overflow-y-auto rounded-card border border-line bg-surface p-2"
    >
      <Group title="Yours" models={mine} model={model} runId={runId} />
      <Group title="The Floor's" models={floor} model={model} runId={runId} />
    </nav>
  );
}

function Group(props: ModelListProps & { readonly title: string }): ReactElement {
  const { title, models, model, runId } = props;
  return (
    <section aria-label={title}>
      <h2 className="px-2 pb-1 text-xs font-medium text-quiet">{title}</h2>
      {models.length === 0 ? (
        <p className="px-2 text-[13px] text-quiet">
          None yet. Make one, and it trades beside the Floor's.
        </p>
      ) : (
        <ul className="flex flex-col gap-0.5">
          {models.map((one) => (
            <li key={one.id}>
              <ModelLink model={one} isChosen={one.id === model.id} />
              {one.id === model.id && <Runs key={`${one.runCount}`} model={one} runId={runId} />}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function ModelLink({
  model,
  isChosen,
}: {
  readonly model: ModelInfo;
  readonly isChosen: boolean;
}): ReactElement {
  const { latestRun } = model;
  return (
    <Link
      href={runPath(model.id, latestRun?.id ?? null)}
      aria-current={isChosen ? 'true' : undefined}
      className="grid grid-cols-[1fr_auto] items-baseline gap-x-2 rounded-md px-2 py-1.5 text-[13px] hover:bg-raised aria-current:bg-raised aria-current:font-medium"
    >
      <span className="truncate">{model.name}</span>
      {latestRun === null ? (
        <span className="text-xs text-quiet">no run</span>
      ) : (
        <RunReturn run={latestRun} className="text-xs" />
      )}
    </Link>
  );
}

function Runs({
  model,
  runId,
}: {
  readonly model: ModelInfo;
  readonly runId: string | null;
}): ReactElement | null {
  const [answer, again] = useJson<RunsAnswer>(`/api/models/${encodeURIComponent(model.id)}/runs`);
  if (answer.is === 'failed') {
    return (
      <p role="alert" className="px-2 pb-1 text-xs text-quiet">
        Its runs could not be loaded.{' '}
        <button type="button" className="underline underline-offset-2" onClick={again}>
          Try again
        </button>
      </p>
    );
  }
  if (answer.is === 'loading') return null;
  return (
    <ul aria-label={`Runs of ${model.name}`} className="ml-3 border-l border-line pl-1">
      {answer.value.runs.map((run) => (
        <li key={run.id}>
          <Link
            href={runPath(model.id, run.id)}
            aria-current={run.id === runId ? 'page' : undefined}
            className="flex items-center gap-2 rounded-md px-2 py-1 text-[13px] text-quiet hover:bg-raised aria-[current=page]:text-ink"
          >
            <StatusDot status={run.status} />
            <span>Run #{run.number}</span>
            <time
              dateTime={run.startedAt}
              title={run.startedAt}
              className="tabular ml-auto text-xs"
            >
              {formatMarketMoment(run.startedAt)}
            </time>
          </Link>
        </li>
      ))}
    </ul>
  );
}

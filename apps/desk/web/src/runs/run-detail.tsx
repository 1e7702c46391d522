// One run: how it stands, its curve, what it holds and what it did.

import { toMillraceError } from '@millrace/protocol';
import { type ReactElement, useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import type { ModelInfo, RunChangeAnswer, RunInfo } from '../../../shared/trading.ts';
import { postJson } from '../data/http.ts';
import { Button } from '../parts/button.tsx';
import { Notice } from '../parts/notice.tsx';
import { PositionsCard } from './positions-card.tsx';
import { RunEquityCard } from './run-equity-card.tsx';
import { RunFacts } from './run-facts.tsx';
import { runPath } from './run-path.ts';
import { TradesCard } from './trades-card.tsx';
import { useRun } from './use-run.ts';

interface RunDetailProps {
  readonly model: ModelInfo;
  /** Null for a model that has none. */
  readonly runId: string | null;
  onNumber(number: number | undefined): void;
  onChanged(): void;
}

export function RunDetail(props: RunDetailProps): ReactElement {
  const { model, runId, onNumber, onChanged } = props;
  if (runId === null) return <NoRun model={model} onChanged={onChanged} />;
  return <OneRun model={model} runId={runId} onNumber={onNumber} onChanged={onChanged} />;
}

function NoRun({ model, onChanged }: Pick<RunDetailProps, 'model' | 'onChanged'>): ReactElement {
  return (
    <div className="flex flex-1 flex-col items-center justify-center gap-3 rounded-card border border-line bg-surface p-8 text-center">
      <h2 className="max-w-full wrap-anywhere text-lg font-semibold">
        {model.name} has not traded yet
      </h2>
      {model.owner === 'you' ? (
        <>
          <p className="max-w-prose text-quiet">
            Start a run, and it trades in the live market from its next tick on.
          </p>
          <Act model={model} path="runs" label="Start a run" look="solid" onChanged={onChanged} />
        </>
      ) : (
        <p className="text-quiet">Its first run begins when the market opens.</p>
      )}
    </div>
  );
}

function OneRun(props: RunDetailProps & { readonly runId: string }): ReactElement {
  const { model, runId, onNumber, onChanged } = props;
  const [answer, again] = useRun(model.id, runId);
  const number = answer.is === 'loaded' ? answer.value.run.number : undefined;
  useEffect(() => onNumber(number), [number, onNumber]);

  if (answer.is === 'loading') {
    return (
      <div aria-busy="true" className="h-[132px] animate-pulse rounded-card bg-surface">
        <p className="sr-only">Loading the run…</p>
      </div>
    );
  }
  if (answer.is === 'failed') {
    return <Notice title="The run could not be loaded" text={answer.message} onRetry={again} />;
  }
  const { run, positions, fills, refusals, live } = answer.value;
  const acts = model.owner === 'you' && (
    <>
      {run.status === 'running' && (
        <Act model={model} path={`runs/${run.id}/end`} label="End run" onChanged={onChanged} />
      )}
      {run.status === 'completed' && (
        <Act model={model} path="runs" label="New run" onChanged={onChanged} />
      )}
    </>
  );
  return (
    <>
      <RunFacts model={model} run={run} live={live} acts={acts} />
      <RunEquityCard model={model} run={run} live={live} />
      <PositionsCard positions={live?.positions ?? positions} />
      <TradesCard fills={fills} refusals={refusals} />
    </>
  );
}

/** A button that asks the server for something with the model's runs, and goes to the run that comes of it. */
function Act(props: {
  readonly model: ModelInfo;
  readonly path: string;
  readonly label: string;
  readonly look?: 'solid' | 'plain';
  onChanged(): void;
}): ReactElement {
  const { model, path, label, look = 'plain', onChanged } = props;
  const [, go] = useLocation();
  const [isAsking, setAsking] = useState(false);
  const [error, setError] = useState<string | null>(null);

  async function act(): Promise<RunInfo> {
    const url = `/api/models/${encodeURIComponent(model.id)}/${path}`;
    return (await postJson<RunChangeAnswer>(url)).run;
  }

  return (
    <>
      <Button
        look={look}
        disabled={isAsking}
        onClick={() => {
          setAsking(true);
          act()
            .then(
              (run) => {
                setError(null);
                onChanged();
                go(runPath(model.id, run.id));
              },
              (thrown: unknown) => setError(toMillraceError(thrown).message),
            )
            .finally(() => setAsking(false));
        }}
      >
        {label}
      </Button>
      {error !== null && (
        <p role="alert" className="text-[13px] text-down">
          {error}
        </p>
      )}
    </>
  );
}

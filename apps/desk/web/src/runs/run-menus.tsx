// The list of models and runs as two menus, where there is no room for a sidebar.

import type { ReactElement } from 'react';
import { useLocation } from 'wouter';
import type { ModelInfo, RunsAnswer } from '../../../shared/trading.ts';
import { useJson } from '../data/use-json.ts';
import { runPath } from './run-path.ts';

interface RunMenusProps {
  readonly models: readonly ModelInfo[];
  readonly model: ModelInfo;
  readonly runId: string | null;
}

const LOOK =
  'h-8 min-w-0 flex-1 rounded-md border border-line bg-surface px-2 text-[13px] sm:max-w-60';

export function RunMenus({ models, model, runId }: RunMenusProps): ReactElement {
  const [, go] = useLocation();
  return (
    <>
      <select
        aria-label="Model"
        className={LOOK}
        value={model.id}
        onChange={({ target }) => {
          const chosen = models.find(({ id }) => id === target.value);
          if (chosen !== undefined) go(runPath(chosen.id, chosen.latestRun?.id ?? null));
        }}
      >
        {models.map(({ id, name, owner }) => (
          <option key={id} value={id}>
            {owner === 'floor' ? `${name} (the Floor's)` : name}
          </option>
        ))}
      </select>
      <RunMenu key={`${model.id} ${model.runCount}`} model={model} runId={runId} />
    </>
  );
}

function RunMenu({ model, runId }: Omit<RunMenusProps, 'models'>): ReactElement {
  const [, go] = useLocation();
  const [answer] = useJson<RunsAnswer>(`/api/models/${encodeURIComponent(model.id)}/runs`);
  const runs = answer.is === 'loaded' ? answer.value.runs : [];
  return (
    <select
      aria-label="Run"
      className={LOOK}
      value={runId ?? ''}
      onChange={({ target }) => go(runPath(model.id, target.value))}
    >
      {runs.length === 0 && <option value={runId ?? ''}>{runId === null ? 'No run' : '…'}</option>}
      {runs.map(({ id, number, status }) => (
        <option key={id} value={id}>
          Run #{number}
          {status === 'completed' ? '' : ' · trading'}
        </option>
      ))}
    </select>
  );
}

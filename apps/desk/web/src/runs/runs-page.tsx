// Runs: choose a model and a run, see how it stands, ask the AI about it.

import type { ReactElement } from 'react';
import type { ModelInfo, ModelsAnswer } from '../../../shared/trading.ts';
import { useJson } from '../data/use-json.ts';
import { Notice } from '../parts/notice.tsx';
import { ChosenRun } from './chosen-run.tsx';
import { RunsSkeleton } from './runs-skeleton.tsx';

interface RunsPageProps {
  /** Of the address; null where it names none. */
  readonly modelId: string | null;
  readonly runId: string | null;
}

export function RunsPage({ modelId, runId }: RunsPageProps): ReactElement {
  const [answer, again] = useJson<ModelsAnswer>('/api/models');
  if (answer.is === 'loading') return <RunsSkeleton />;
  if (answer.is === 'failed') {
    return <Notice title="The runs could not be loaded" text={answer.message} onRetry={again} />;
  }
  const { models } = answer.value;
  const model = modelId === null ? firstWithRun(models) : models.find(({ id }) => id === modelId);
  if (model !== undefined) {
    const chosen = runId ?? model.latestRun?.id ?? null;
    return <ChosenRun models={models} model={model} runId={chosen} onChanged={again} />;
  }
  return models.length === 0 ? (
    <Notice
      title="There is no model yet"
      text="The market opens in a moment, and five agents with it."
      onRetry={again}
    />
  ) : (
    <Notice
      title="There is no such model"
      text="It may have been deleted, or belong to somebody else."
    />
  );
}

/** One's own come first; a model without a run has nothing to show. */
function firstWithRun(models: readonly ModelInfo[]): ModelInfo | undefined {
  return models.find(({ latestRun }) => latestRun !== null) ?? models[0];
}

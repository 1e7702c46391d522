// The page's three columns: what there is, the run that was chosen, the chat about it. Where there is no room for three,
// the list becomes two menus; where there is none for two, a switch shows the run or the chat.

import { ChatInterface } from '@millrace/ui/chat';
import { type ReactElement, useState } from 'react';
import type { ModelInfo } from '../../../shared/trading.ts';
import { ModelList } from './model-list.tsx';
import { NewModel } from './new-model.tsx';
import { RunDetail } from './run-detail.tsx';
import { RunMenus } from './run-menus.tsx';

interface ChosenRunProps {
  readonly models: readonly ModelInfo[];
  readonly model: ModelInfo;
  /** Null for a model that has none. */
  readonly runId: string | null;
  /** The list of models is to be fetched again. */
  onChanged(): void;
}

export function ChosenRun({ models, model, runId, onChanged }: ChosenRunProps): ReactElement {
  const [shown, setShown] = useState<'Run' | 'Chat'>('Run');
  const [number, setNumber] = useState<number | undefined>(undefined);
  const place = { models, model, runId };
  return (
    <div className="grid flex-1 grid-cols-[minmax(0,1fr)] content-start gap-3 p-3 lg:h-[calc(100vh-3.25rem)] lg:min-h-[560px] lg:flex-none lg:grid-cols-[minmax(0,1fr)_minmax(340px,420px)] lg:grid-rows-[auto_minmax(0,1fr)] lg:content-stretch xl:grid-cols-[232px_minmax(0,1fr)_minmax(360px,440px)] xl:grid-rows-[minmax(0,1fr)]">
      <h1 className="sr-only">Runs</h1>
      <div className="hidden min-h-0 flex-col gap-2 xl:flex">
        <NewModel onMade={onChanged} />
        <ModelList {...place} />
      </div>
      <div className="flex flex-wrap items-center gap-2 lg:col-span-2 xl:hidden">
        <RunMenus {...place} />
        <NewModel onMade={onChanged} />
      </div>
      <div role="group" aria-label="Show" className="flex gap-2 lg:hidden">
        {(['Run', 'Chat'] as const).map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={shown === name}
            onClick={() => setShown(name)}
            className="h-9 flex-1 rounded-md border border-line bg-surface text-[13px] font-medium text-quiet aria-pressed:border-accent aria-pressed:text-ink"
          >
            {name}
          </button>
        ))}
      </div>
      <div
        className={`min-h-0 min-w-0 flex-col gap-3 lg:flex lg:overflow-y-auto ${shown === 'Run' ? 'flex' : 'hidden'}`}
      >
        <RunDetail
          key={`${model.id}/${runId}`}
          model={model}
          runId={runId}
          onNumber={setNumber}
          onChanged={onChanged}
        />
      </div>
      <div className={`min-h-0 min-w-0 lg:flex ${shown === 'Chat' ? 'flex' : 'hidden'}`}>
        <ChatInterface
          selectedModelId={model.id}
          selectedRunId={runId}
          runNumber={number}
          className="h-[calc(100vh-12.5rem)] min-h-[420px] w-full lg:h-full lg:min-h-0"
        />
      </div>
    </div>
  );
}

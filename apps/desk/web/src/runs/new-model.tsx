// Making a model: its name and its strategy. Its first run is started from its page.

import { toMillraceError } from '@millrace/protocol';
import { type FormEvent, type ReactElement, useId, useState } from 'react';
import { useLocation } from 'wouter';
import type { ModelAnswer, NewModelRequest, StrategyName } from '../../../shared/trading.ts';
import { postJson } from '../data/http.ts';
import { Button } from '../parts/button.tsx';
import { runPath } from './run-path.ts';
import { STRATEGIES, STRATEGY_NAMES } from './strategies.ts';

const FIELD = 'h-8 w-full rounded-md border border-line bg-ground px-2 text-[13px]';

export function NewModel({ onMade }: { onMade(): void }): ReactElement {
  const id = useId();
  const [, go] = useLocation();
  const [error, setError] = useState<string | null>(null);
  const [strategy, setStrategy] = useState<StrategyName>('momentum');

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = event.currentTarget;
    const name = new FormData(form).get('name');
    if (typeof name !== 'string') return;
    const request: NewModelRequest = { name, strategy };
    postJson<ModelAnswer>('/api/models', request).then(
      ({ model }) => {
        setError(null);
        form.reset();
        document.getElementById(id)?.hidePopover();
        onMade();
        go(runPath(model.id, null));
      },
      (thrown: unknown) => setError(toMillraceError(thrown).message),
    );
  }

  return (
    <>
      <Button popoverTarget={id} className="justify-center">
        New model
      </Button>
      <form
        id={id}
        popover="auto"
        onToggle={({ currentTarget, newState }) => {
          if (newState === 'open') currentTarget.querySelector('input')?.focus();
        }}
        onSubmit={submit}
        className="fixed inset-auto top-28 left-3 m-0 w-80 max-w-[calc(100vw-1.5rem)] flex-col gap-3 rounded-card border border-line bg-surface p-4 text-ink shadow-lg open:flex"
      >
        <h2 className="text-[13px] font-semibold">New model</h2>
        <label className="flex flex-col gap-1 text-xs text-quiet">
          Name
          <input name="name" required maxLength={40} className={`${FIELD} text-ink`} />
        </label>
        <label className="flex flex-col gap-1 text-xs text-quiet">
          Strategy
          <select
            value={strategy}
            onChange={({ target }) =>
              setStrategy(STRATEGY_NAMES.find((one) => one === target.value) ?? strategy)
            }
            className={`${FIELD} text-ink`}
          >
            {STRATEGY_NAMES.map((name) => (
              <option key={name} value={name}>
                {STRATEGIES[name]}
              </option>
            ))}
          </select>
        </label>
        {error !== null && (
          <p role="alert" className="text-[13px] text-down">
            {error}
          </p>
        )}
        <Button type="submit" look="solid" className="self-start">
          Make it
        </Button>
      </form>
    </>
  );
}

// Spec E4: which AI answers about a model's runs. Provider, address, model and parameters, a key that is only ever
// written, and a test of all of it.

import { toMillraceError } from '@millrace/protocol';
import { type FormEvent, type ReactElement, useId, useState } from 'react';
import type { ModelAiAnswer, ModelAiRequest, ModelAiTestAnswer } from '../../../shared/chat-api.ts';
import { postJson, putJson } from '../data/http.ts';
import { useJson } from '../data/use-json.ts';
import { Button } from '../parts/button.tsx';

const FIELD =
  'h-8 w-full min-w-0 rounded-md border border-line bg-ground px-2 text-[13px] text-ink';

export function AiSettings({ modelId }: { readonly modelId: string }): ReactElement {
  const id = useId();
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button popoverTarget={id}>AI</Button>
      <div
        id={id}
        popover="auto"
        onToggle={({ newState }) => setOpen(newState === 'open')}
        className="fixed inset-0 m-auto h-fit max-h-[calc(100vh-2rem)] w-96 max-w-[calc(100vw-1.5rem)] overflow-y-auto rounded-card border border-line bg-surface p-4 text-ink shadow-lg backdrop:bg-black/20"
      >
        {isOpen && <Settings modelId={modelId} />}
      </div>
    </>
  );
}

function Settings({ modelId }: { readonly modelId: string }): ReactElement {
  const [answer, again] = useJson<ModelAiAnswer>(`/api/models/${encodeURIComponent(modelId)}/ai`);
  if (answer.is === 'loading') return <p className="text-quiet">Loading the settings…</p>;
  if (answer.is === 'failed') {
    return (
      <p role="alert">
        {answer.message}{' '}
        <button type="button" className="underline underline-offset-2" onClick={again}>
          Try again
        </button>
      </p>
    );
  }
  return <SettingsForm modelId={modelId} first={answer.value} />;
}

type Word = { readonly tone: 'good' | 'bad'; readonly text: string };

const WHO = {
  'own-key': 'your key',
  'server-key': "the server's key",
  'built-in': 'no key: rule-based, and says so',
} as const;

function SettingsForm(props: {
  readonly modelId: string;
  readonly first: ModelAiAnswer;
}): ReactElement {
  const url = `/api/models/${encodeURIComponent(props.modelId)}/ai`;
  const [settings, setSettings] = useState(props.first);
  const [word, setWord] = useState<Word | null>(null);
  const [isBusy, setBusy] = useState(false);

  function failed(thrown: unknown): void {
    setWord({ tone: 'bad', text: toMillraceError(thrown).message });
  }

  function save(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = event.currentTarget;
    setBusy(true);
    putJson<ModelAiAnswer>(url, requestOf(new FormData(form), settings))
      .then((saved) => {
        setSettings(saved);
        setWord({ tone: 'good', text: `Saved. ${saved.answersAs} answers.` });
        const key = form.elements.namedItem('key');
        if (key instanceof HTMLInputElement) key.value = '';
      }, failed)
      .finally(() => setBusy(false));
  }

  function change(work: Promise<void>): void {
    setBusy(true);
    work.catch(failed).finally(() => setBusy(false));
  }

  async function test(): Promise<void> {
    const { ok, answersAs, problem, tookMs } = await postJson<ModelAiTestAnswer>(`${url}/test`);
    const text = ok ? `${answersAs} answered in ${tookMs} ms.` : (problem ?? 'It did not answer.');
    setWord({ tone: ok ? 'good' : 'bad', text });
  }

  async function forgetKey(): Promise<void> {
    setSettings(await putJson<ModelAiAnswer>(url, { key: null }));
    setWord({ tone: 'good', text: 'The key is gone.' });
  }

  const { parameters } = settings;
  return (
    <form onSubmit={save} className="flex flex-col gap-3">
      <div>
        <h2 className="text-[15px] font-semibold">AI of this model</h2>
        <p className="text-[13px] text-quiet">
          Answers now: {settings.answersAs} ({WHO[settings.answers]}).
        </p>
      </div>
      <Field name="provider" label="Provider" value={settings.provider} />
      <Field name="baseUrl" label="Base URL" value={settings.baseUrl} type="url" />
      <Field name="aiModel" label="Model" value={settings.aiModel} hint="anthropic/claude-…" />
      <Field
        name="key"
        label={settings.hasKey ? `Key (kept, ends in ${settings.keyLastFour})` : 'Key'}
        value=""
        type="password"
        hint={settings.hasKey ? 'leave empty to keep it' : 'written once, never shown'}
      />
      <div className="grid grid-cols-3 gap-2">
        <Field
          name="temperature"
          label="Temperature"
          value={parameters['temperature'] ?? ''}
          step="0.1"
        />
        <Field name="top_p" label="Top p" value={parameters['top_p'] ?? ''} step="0.05" />
        <Field
          name="max_completion_tokens"
          label="Most tokens"
          value={parameters['max_completion_tokens'] ?? ''}
          step="1"
        />
      </div>
      {word !== null && (
        <p
          role="status"
          className={`text-[13px] ${word.tone === 'good' ? 'text-up' : 'text-down'}`}
        >
          {word.text}
        </p>
      )}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" look="solid" disabled={isBusy}>
          Save
        </Button>
        <Button disabled={isBusy} onClick={() => change(test())}>
          Test
        </Button>
        {settings.hasKey && (
          <Button disabled={isBusy} onClick={() => change(forgetKey())}>
            Forget the key
          </Button>
        )}
      </div>
    </form>
  );
}

interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly value: ModelAiAnswer['parameters'][string];
  readonly type?: 'text' | 'url' | 'password';
  readonly hint?: string;
  /** Makes it a number. */
  readonly step?: string;
}

function Field({ name, label, value, type = 'text', hint, step }: FieldProps): ReactElement {
  return (
    <label className="flex min-w-0 flex-col gap-1 text-xs text-quiet">
      {label}
      <input
        name={name}
        type={step === undefined ? type : 'number'}
        step={step}
        placeholder={hint}
        defaultValue={String(value)}
        // A password manager has nothing to do with it.
        autoComplete="off"
        className={FIELD}
      />
    </label>
  );
}

const NUMBERS = ['temperature', 'top_p', 'max_completion_tokens'] as const;

/** What the form says; other parameters stay as they are. */
function requestOf(form: FormData, { parameters }: ModelAiAnswer): ModelAiRequest {
  const text = (name: string): string => {
    const value = form.get(name);
    return typeof value === 'string' ? value.trim() : '';
  };
  const numbers = NUMBERS.flatMap((name) =>
    text(name) === '' ? [] : [[name, Number(text(name))] as const],
  );
  const others = Object.entries(parameters).filter(
    ([name]) => !NUMBERS.some((number) => number === name),
  );
  return {
    provider: text('provider') || undefined,
    baseUrl: text('baseUrl') || undefined,
    aiModel: text('aiModel') || undefined,
    parameters: Object.fromEntries([...others, ...numbers]),
    ...(text('key') !== '' && { key: text('key') }),
  };
}

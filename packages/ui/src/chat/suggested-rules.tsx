// Spec E3: rules that an answer suggests, each with what it would have saved, and a button that accepts it for the model.

import type { Json, RunPart } from '@millrace/protocol/runs';
import { type ReactElement, useState } from 'react';
import { askServer, posting, wordsOf } from './ask-server.ts';

/** As the tool `suggest_rules` gives it. */
interface Suggestion {
  /** As the server takes it; nobody here looks into it. */
  readonly rule: { readonly [name: string]: Json };
  readonly words: string;
  readonly because: string;
  /** Dollars, reckoned on the run's own trades. */
  readonly saved: number;
}

const dollars = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' });

export function SuggestedRules(props: {
  readonly parts: readonly RunPart[];
  /** Of the model, where a rule is posted. */
  readonly rulesUrl: string;
}): ReactElement | null {
  const suggestions = props.parts.flatMap(suggestionsOf);
  if (suggestions.length === 0) return null;
  return (
    <ul className="mr-rules" aria-label="Suggested rules">
      {suggestions.map((suggestion) => (
        <li key={suggestion.words}>
          <Rule suggestion={suggestion} rulesUrl={props.rulesUrl} />
        </li>
      ))}
    </ul>
  );
}

interface Accepted {
  /** Runs that the rule holds for at once. */
  readonly appliedTo?: readonly string[];
}

type Acceptance =
  | { readonly is: 'offered' | 'asking' }
  /** `isNow`: a run that trades is checked against it already. */
  | { readonly is: 'accepted'; readonly isNow: boolean }
  | { readonly is: 'failed'; readonly why: string };

function Rule(props: { readonly suggestion: Suggestion; readonly rulesUrl: string }): ReactElement {
  const { rule, words, because, saved } = props.suggestion;
  const [acceptance, setAcceptance] = useState<Acceptance>({ is: 'offered' });

  function accept(): void {
    setAcceptance({ is: 'asking' });
    askServer<Accepted>(props.rulesUrl, posting({ rule })).then(
      ({ appliedTo = [] }) => setAcceptance({ is: 'accepted', isNow: appliedTo.length > 0 }),
      (error: unknown) => setAcceptance({ is: 'failed', why: wordsOf(error) }),
    );
  }

  return (
    <>
      <p className="mr-rule-words">{words}</p>
      <p className="mr-rule-because">
        {because} It would have saved {dollars.format(saved)} on this run's own trades.
      </p>
      {acceptance.is === 'accepted' ? (
        <p className="mr-rule-done" role="status">
          {acceptance.isNow
            ? 'Accepted. Its orders are checked against it from now on.'
            : "Accepted. The model's next run enforces it."}
        </p>
      ) : (
        <button
          type="button"
          className="mr-button"
          disabled={acceptance.is === 'asking'}
          onClick={accept}
        >
          Accept <span className="mr-hidden">the rule: {words}</span>
        </button>
      )}
      {acceptance.is === 'failed' && (
        <p className="mr-msg-note" data-tone="bad" role="alert">
          {acceptance.why}
        </p>
      )}
    </>
  );
}

function suggestionsOf(part: RunPart): readonly Suggestion[] {
  if (part.type !== 'tool' || part.name !== 'suggest_rules' || part.status !== 'done') return [];
  const list = field(field(part.output, 'data'), 'suggestions');
  return Array.isArray(list) ? list.flatMap(readSuggestion) : [];
}

function readSuggestion(value: Json): readonly Suggestion[] {
  const rule = field(value, 'rule');
  const words = field(value, 'words');
  const because = field(value, 'because');
  const saved = field(field(value, 'counterfactual'), 'saved');
  if (!isRecord(rule) || typeof words !== 'string' || typeof saved !== 'number') return [];
  return [{ rule, words, saved, because: typeof because === 'string' ? because : '' }];
}

function field(value: Json, name: string): Json {
  return isRecord(value) ? (value[name] ?? null) : null;
}

function isRecord(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

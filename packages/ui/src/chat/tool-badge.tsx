// One tool that an answer used: a badge that opens to what it was given and what it said.

import type { Json, ToolPart } from '@millrace/protocol/runs';
import { type ReactElement, useId, useState } from 'react';

export function ToolBadge({ part }: { readonly part: ToolPart }): ReactElement {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  return (
    <div className="mr-tool" data-status={part.status}>
      <button
        type="button"
        className="mr-tool-badge"
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => setOpen(!isOpen)}
      >
        <span className="mr-tool-mark" aria-hidden="true" />
        <span className="mr-tool-name">{part.name}</span>
        <span className="mr-tool-state">{STATES[part.status]}</span>
        <span className="mr-tool-arrow" aria-hidden="true" />
      </button>
      <div id={id} className="mr-tool-body" hidden={!isOpen}>
        {isOpen && (
          <>
            <p className="mr-tool-label">Input</p>
            <pre tabIndex={0}>{inputOf(part)}</pre>
            {resultOf(part) !== null && (
              <>
                <p className="mr-tool-label">{part.error === null ? 'Result' : 'Error'}</p>
                <pre tabIndex={0}>{resultOf(part)}</pre>
              </>
            )}
          </>
        )}
      </div>
    </div>
  );
}

const STATES: Readonly<Record<ToolPart['status'], string>> = {
  writing: 'preparing',
  called: 'at work',
  done: 'done',
  failed: 'failed',
  refused: 'not called',
};

function inputOf({ input, inputText, status }: ToolPart): string {
  return status === 'writing' || status === 'refused' ? inputText : readable(input);
}

/** What it says in words, where it has words; else its data. Null while there is nothing. */
function resultOf({ output, error, status }: ToolPart): string | null {
  if (error !== null) return error;
  if (status !== 'done' && output === null) return null;
  if (isRecord(output) && typeof output['text'] === 'string') {
    const { text, ...rest } = output;
    return Object.keys(rest).length === 0 ? text : `${text}\n\n${readable(rest)}`;
  }
  return readable(output);
}

function isRecord(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readable(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}

// How to get messages where there are none yet: a button, and the same as a command.

import type { ReactElement } from 'react';
import { useGenerate } from './use-generate.ts';

export function GenerateHint(props: { readonly url: string }): ReactElement {
  const { generation, generate } = useGenerate(props.url);
  const isAsking = generation.state === 'asking';
  return (
    <div className="mr-hint">
      <p className="mr-hint-text">
        Agents write while they work. To have them write now, press the button or run{' '}
        <code className="mr-code">curl -X POST {absolute(props.url)}</code>
      </p>
      <button type="button" className="mr-button" disabled={isAsking} onClick={generate}>
        {isAsking ? 'Agents are writing…' : 'Generate now'}
      </button>
      {generation.state === 'failed' && (
        <p className="mr-hint-error" role="alert">
          {generation.error}
        </p>
      )}
    </div>
  );
}

function absolute(url: string): string {
  const base: unknown = globalThis.location?.href;
  return typeof base === 'string' && URL.canParse(url, base) ? new URL(url, base).href : url;
}

// A code block: its language, its text, and a button that copies it.

import type { ReactElement } from 'react';
import { useCopied } from './use-copied.ts';

export function CodeBlock({
  code,
  language,
}: {
  readonly code: string;
  /** As Markdown names it, `language-sql`. */
  readonly language: string | undefined;
}): ReactElement {
  const [isCopied, copy] = useCopied();
  const name = /language-([\w+#-]+)/.exec(language ?? '')?.[1] ?? 'text';
  const text = code.replace(/\n$/, '');
  return (
    <figure className="mr-md-code">
      <figcaption>
        <span>{name}</span>
        <button type="button" onClick={() => copy(text)}>
          {isCopied ? 'Copied' : 'Copy'}
        </button>
      </figcaption>
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </figure>
  );
}

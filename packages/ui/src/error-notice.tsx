// What is wrong and what to do about it, above what is still there. Spoken by the status line, not by itself.

import type { ReactElement } from 'react';

export function ErrorNotice(props: {
  readonly message: string;
  /** Null where trying again can't help. */
  readonly onRetry: (() => void) | null;
}): ReactElement {
  const { message, onRetry } = props;
  return (
    <div className="mr-error">
      <svg className="mr-error-icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
        <path d="M8 1.8 15 14H1zM8 6.2v3.6M8 11.6v.6" />
      </svg>
      <p className="mr-error-text">{message}</p>
      {onRetry !== null && (
        <button type="button" className="mr-button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

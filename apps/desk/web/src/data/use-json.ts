// One GET as state: loading, failed (with a way to try again) or loaded. For first paints; live data comes by channel.

import { toMillraceError } from '@millrace/protocol';
import { useCallback, useEffect, useState } from 'react';
import { getJson } from './http.ts';

export type Loading<Answer> =
  | { readonly is: 'loading' }
  | { readonly is: 'failed'; readonly message: string }
  | { readonly is: 'loaded'; readonly value: Answer };

/** `path` must stay the same: another one is another hook. */
export function useJson<Answer>(path: string): [Loading<Answer>, () => void] {
  const [state, setState] = useState<Loading<Answer>>({ is: 'loading' });
  const [attempt, setAttempt] = useState(0);
  const again = useCallback(() => {
    // What was loaded stays on the screen while it is fetched anew: no jump back to a skeleton.
    setState((before) => (before.is === 'loaded' ? before : { is: 'loading' }));
    setAttempt((count) => count + 1);
  }, []);

  useEffect(() => {
    const abort = new AbortController();
    getJson<Answer>(path, abort.signal).then(
      (value) => setState({ is: 'loaded', value }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        const { message, retryable } = toMillraceError(error);
        // A network that is away for a moment takes nothing off the screen; what is gone for good does.
        setState((before) =>
          before.is === 'loaded' && retryable ? before : { is: 'failed', message },
        );
      },
    );
    return () => abort.abort();
  }, [path, attempt]);

  return [state, again];
}

// The conversations about a run, newest first, and a new one.

import { useCallback, useEffect, useState } from 'react';
import { askServer, posting, wordsOf } from './ask-server.ts';

export interface ChatSessionEntry {
  readonly id: string;
  readonly title: string;
}

export interface ChatSubject {
  readonly modelId: string | null;
  readonly runId: string | null;
}

export interface ChatSessions {
  readonly sessions: readonly ChatSessionEntry[];
  readonly isLoading: boolean;
  readonly error: string | null;
  /** Resolves with the id of a new one for this question, or null: then `error` says why. */
  begin(question: string): Promise<string | null>;
}

const TITLE_LENGTH = 60;

export function useChatSessions(apiUrl: string, { modelId, runId }: ChatSubject): ChatSessions {
  const [state, setState] = useState<Omit<ChatSessions, 'begin'>>({
    sessions: [],
    isLoading: true,
    error: null,
  });
  const url = `${apiUrl}/chat/sessions`;

  useEffect(() => {
    const abort = new AbortController();
    const query = new URLSearchParams();
    if (modelId !== null) query.set('modelId', modelId);
    if (runId !== null) query.set('runId', runId);
    askServer<{ sessions: readonly ChatSessionEntry[] }>(`${url}?${query}`, {
      signal: abort.signal,
    }).then(
      ({ sessions }) => setState({ sessions, isLoading: false, error: null }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        setState({ sessions: [], isLoading: false, error: wordsOf(error) });
      },
    );
    return () => abort.abort();
  }, [url, modelId, runId]);

  const begin = useCallback(
    async (question: string) => {
      try {
        const made = await askServer<ChatSessionEntry>(url, posting({ modelId, runId }));
        setState(({ sessions }) => ({
          // As the server will call it, once it has the question.
          sessions: [{ id: made.id, title: question.slice(0, TITLE_LENGTH) }, ...sessions],
          isLoading: false,
          error: null,
        }));
        return made.id;
      } catch (error) {
        setState((before) => ({ ...before, error: wordsOf(error) }));
        return null;
      }
    },
    [url, modelId, runId],
  );

  return { ...state, begin };
}

// Spec E12: one answer at a time about one trading run. A thin hook over the store.

import type { MillraceError } from '@millrace/protocol';
import { useMemo, useSyncExternalStore } from 'react';
import { useKeyedStore } from '../use-keyed-store.ts';
import { useLatest } from '../use-latest.ts';
import { type ChatStreamView, createChatStreamStore } from './chat-stream-store.ts';

export interface UseChatStreamOptions {
  readonly modelId: string;
  /** The trading run's id, or `latest`. */
  readonly runId: string;
  /** The whole text, once, when the answer is complete; not of one that was stopped or failed. */
  readonly onComplete?: ((content: string) => void) | undefined;
  /** There is no answer, or no more of it. A loss that is mended by itself is none. */
  readonly onError?: ((error: MillraceError) => void) | undefined;
  /** Where Desk's endpoints are. Default `/api`. */
  readonly apiUrl?: string | undefined;
  /** Further headers of all requests. Default: none, the page's cookies count. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How requests are sent. Default: the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
}

export interface ChatStream extends ChatStreamView {
  /** Asks. While an answer is being written this is refused: `error` says so. */
  startStream(message: string): void;
  /** Stops the answer, here and on the server. What has come of it stays. */
  stopStream(): void;
}

/**
 * Asks the AI about a trading run and shows its answer as it is written. An interrupted answer is gone on with where it
 * was; unmounting stops nothing. The result is the same object until something changes, at most once a frame.
 *
 * ```tsx
 * const { startStream, stopStream, isStreaming, streamedContent } = useChatStream({ modelId, runId });
 * ```
 */
export function useChatStream(options: UseChatStreamOptions): ChatStream {
  const { apiUrl = '/api', modelId, runId } = options;
  const latest = useLatest(options);
  const run = `models/${encodeURIComponent(modelId)}/runs/${encodeURIComponent(runId)}`;
  const baseUrl = `${apiUrl}/${run}`;
  const store = useKeyedStore([baseUrl], () =>
    createChatStreamStore(baseUrl, () => {
      const { onComplete, onError, headers, fetch } = latest();
      return { onComplete, onError, headers, fetch };
    }),
  );
  const view = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);
  const { startStream, stopStream } = store;
  return useMemo(() => ({ ...view, startStream, stopStream }), [view, startStream, stopStream]);
}

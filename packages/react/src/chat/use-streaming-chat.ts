// Spec D1: answers from any server that speaks OpenAI's format, several at a time. A thin hook over the store.

import type { MillraceError } from '@millrace/protocol';
import { useMemo, useSyncExternalStore } from 'react';
import { useKeyedStore } from '../use-keyed-store.ts';
import { useLatest } from '../use-latest.ts';
import { createStreamingChatStore } from './streaming-chat-store.ts';
import type { OpenAiMessage, StreamingChatView } from './streaming-chat-view.ts';

export interface UseStreamingChatOptions {
  /** Default `/api/v1/inference/stream`. */
  readonly apiUrl?: string | undefined;
  /** Sent as `Authorization: Bearer`; without one the page's cookies count. */
  readonly apiKey?: string | undefined;
  /** An answer failed, or could not be stopped. A loss that is mended by itself is none. */
  readonly onError?: ((error: MillraceError) => void) | undefined;
  /** Where the run of an answer is stopped; null for nowhere. Default: `…/v1/runs/<runId>/stop` beside `apiUrl`. */
  readonly stopUrl?: ((runId: string) => string | null) | undefined;
  /** How requests are sent. Default: the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
}

export interface StreamingChat extends StreamingChatView {
  /**
   * Asks: what stands behind the last answer in `messages` is new, all of it is sent. Resolves with the answer's id when
   * its stream begins; rejects with a `MillraceError` when the server refuses it or is not reached.
   */
  sendMessage(messages: readonly OpenAiMessage[], model?: string): Promise<string>;
  /** Stops the answer, here and on the server. What has come of it stays. */
  cancelStream(messageId: string): void;
  /** Tries interrupted streams again now. */
  connect(): void;
}

const DEFAULT_URL = '/api/v1/inference/stream';

/**
 * A chat over one request for each answer. An interrupted answer is joined again under the same key and not made twice;
 * unmounting closes the streams and stops nothing. The result is the same object until something changes, and changes at
 * most once a frame; of the messages only those that changed are new objects.
 *
 * ```tsx
 * const { messages, sendMessage, cancelStream } = useStreamingChat({ apiKey });
 * const id = await sendMessage([{ role: 'user', content: 'How did NOVA do?' }]);
 * ```
 */
export function useStreamingChat(options: UseStreamingChatOptions = {}): StreamingChat {
  const { apiUrl = DEFAULT_URL } = options;
  const latest = useLatest(options);
  const store = useKeyedStore([apiUrl], () =>
    createStreamingChatStore(apiUrl, () => {
      const { apiKey, onError, fetch, stopUrl = (runId) => stopUrlOf(apiUrl, runId) } = latest();
      return { apiKey, onError, fetch, stopUrl };
    }),
  );
  const view = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);
  const { sendMessage, cancelStream, connect } = store;
  return useMemo(
    () => ({ ...view, sendMessage, cancelStream, connect }),
    [view, sendMessage, cancelStream, connect],
  );
}

function stopUrlOf(apiUrl: string, runId: string): string | null {
  const [path = ''] = apiUrl.split(/[?#]/);
  const base = /^(.*)\/(?:inference\/stream|chat\/completions)\/?$/.exec(path)?.[1];
  return base === undefined ? null : `${base}/runs/${encodeURIComponent(runId)}/stop`;
}

// A conversation with an AI in Millrace's own protocol: what is stored by HTTP, what happens by channels. A thin hook over
// the store.

import type { MillraceError } from '@millrace/protocol';
import { useMemo, useSyncExternalStore } from 'react';
import { useClient } from '../provider.ts';
import { useKeyedStore } from '../use-keyed-store.ts';
import { useLatest } from '../use-latest.ts';
import { type ChatStore, type ChatView, createChatStore } from './chat-store.ts';

export interface UseChatOptions {
  /** Null: there is none yet; the hook is idle. */
  readonly conversationId: string | null;
  /** Where conversations are; `<api>/<conversationId>/messages`, `…/runs`, `…/stop`, `…/retry`. Default `/api/chat`. */
  readonly api?: string | undefined;
  /** What a question does while an answer is being written: it waits (`queue`, the default), is refused, or stops that one. */
  readonly overlap?: 'queue' | 'reject' | 'interrupt' | undefined;
  /** A request failed; also told by `error`. */
  readonly onError?: ((error: MillraceError) => void) | undefined;
  /** Further headers of all requests. Default: none, the page's cookies count. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How requests are sent. Default: the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
}

export interface Chat extends ChatView {
  /** Asks. The question is shown at once. */
  send(text: string): void;
  /** Stops the answer that is being written, for everybody; what has come of it stays on this page. */
  stop(): void;
  /** Takes a question back that waits for its turn: one of `queue`. */
  withdraw(runId: string): void;
  /** Sends a question again that did not reach the server, or has the last one answered anew. */
  retry(): void;
}

const IDLE: ChatView = { messages: [], status: 'ready', error: null, queue: [] };

/**
 * Every tab and device sees the same conversation, an answer from wherever it is, and the next question begin. Unmounting
 * stops nothing. The result is the same object until something changes, and changes at most once a frame; of the messages
 * only the one that is being written is a new object.
 *
 * ```tsx
 * const { messages, status, send, stop } = useChat({ conversationId });
 * ```
 * @throws MillraceError `request/invalid` outside a `MillraceProvider`
 */
export function useChat(options: UseChatOptions): Chat {
  const client = useClient();
  const { conversationId, api = '/api/chat' } = options;
  const latest = useLatest(options);
  const store = useKeyedStore<ChatStore>([client, conversationId, api], () => {
    if (conversationId === null) return idleStore;
    const url = `${api}/${encodeURIComponent(conversationId)}`;
    return createChatStore(client, conversationId, url, () => {
      const { overlap = 'queue', onError, headers, fetch } = latest();
      return { overlap, onError, headers, fetch };
    });
  });
  const view = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);
  const { send, stop, withdraw, retry } = store;
  return useMemo(
    () => ({ ...view, send, stop, withdraw, retry }),
    [view, send, stop, withdraw, retry],
  );
}

const nothing = (): void => undefined;
const idleStore: ChatStore = {
  subscribe: () => nothing,
  getSnapshot: () => IDLE,
  send: nothing,
  stop: nothing,
  withdraw: nothing,
  retry: nothing,
};

// Spec A5's basic hook: one plain SSE stream, no fallback.

import { useMemo, useSyncExternalStore } from 'react';
import { useKeyedStore } from '../use-keyed-store.ts';
import { type AgentStreamView, createAgentStreamStore } from './agent-stream-store.ts';

export interface UseAgentChatStreamOptions {
  /** Whose messages. Default: every agent's. */
  readonly agentIds?: readonly string[] | undefined;
  /** The plain SSE endpoint. Default `/api/chat/stream`. */
  readonly url?: string | undefined;
  /** The newest so many of each agent are held. Default 20. */
  readonly maxMessagesPerAgent?: number | undefined;
}

export interface AgentChatStream extends AgentStreamView {
  /** Closes the stream; it opens again with the next mount or other options. */
  disconnect(): void;
}

/**
 * Messages as they come from now on, over a native `EventSource` that needs no client and no provider.
 *
 * ```tsx
 * const { messages, isConnected, error } = useAgentChatStream({ agentIds: ['deepseek_ml'] });
 * ```
 */
export function useAgentChatStream(options: UseAgentChatStreamOptions = {}): AgentChatStream {
  const { agentIds, url = '/api/chat/stream', maxMessagesPerAgent: maxPerAgent = 20 } = options;
  const agentKey = agentIds === undefined ? null : JSON.stringify(agentIds);
  const store = useKeyedStore([url, agentKey, maxPerAgent], () =>
    createAgentStreamStore(url, { agentIds: agentIds ?? null, maxPerAgent }),
  );
  const view = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);
  return useMemo(() => ({ ...view, disconnect: store.disconnect }), [view, store]);
}

// Spec A5: agents' messages, live where a link can be had, polled where not. A thin hook over the store.

import { useMemo, useSyncExternalStore } from 'react';
import { useOptionalClient } from '../provider.ts';
import { useKeyedStore } from '../use-keyed-store.ts';
import { keysOf, storeOf, type UseRealtimeAgentMessagesOptions } from './agent-messages-options.ts';
import type { AgentMessagesStore } from './agent-messages-store.ts';
import type { AgentMessagesView } from './agent-messages-view.ts';

export interface RealtimeAgentMessages extends AgentMessagesView {
  /** Stops receiving until `reconnect`. What has arrived stays. */
  disconnect(): void;
  /** Receives again, or tries again now. */
  reconnect(): void;
}

/**
 * The agents' newest messages. Uses the client of the `MillraceProvider` around it (give that one `beatMs: 2000`,
 * so that a failure is noticed within 5 s); without one it makes its own while mounted.
 * The result is the same object until something changes, and changes at most once a frame.
 *
 * ```tsx
 * const { messages, isRealtime, error, isLoading } = useRealtimeAgentMessages({ agentIds: ['gemini_grid'] });
 * ```
 */
export function useRealtimeAgentMessages(
  options: UseRealtimeAgentMessagesOptions = {},
): RealtimeAgentMessages {
  const shared = useOptionalClient();
  const keys = keysOf(options, shared);
  const { store } = useKeyedStore<{ feedKeys: readonly unknown[]; store: AgentMessagesStore }>(
    [...keys.feed, ...keys.delivery],
    (previous) => {
      const isSameFeed = previous?.feedKeys.every((key, at) => key === keys.feed[at]) ?? false;
      const feed = isSameFeed && previous !== null ? previous.store.feed() : null;
      return { feedKeys: keys.feed, store: storeOf(options, shared, feed) };
    },
  );
  // The first snapshot is what a server renders too: nothing has started before the first listener.
  const view = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);
  return useMemo(
    () => ({ ...view, disconnect: store.disconnect, reconnect: store.reconnect }),
    [view, store],
  );
}

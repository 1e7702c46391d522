// How many messages came to each agent whose tab was not shown. Counts only where there are tabs.

import type { MessagesByAgent } from '@millrace/react/chat';
import { useState } from 'react';
import { countAfter, lastId } from './count-after.ts';

export interface TabUnread {
  unread(agentId: string): number;
  /** The agent whose messages are no longer shown: counting begins after those it has now. */
  leave(agentId: string): void;
}

export function useTabUnread(
  messages: MessagesByAgent,
  shownId: string | null,
  isCounting: boolean,
): TabUnread {
  const [seen, setSeen] = useState<ReadonlyMap<string, string | null> | null>(null);
  if (isCounting && seen === null) setSeen(lastIds(messages));
  // Columns show every agent: when tabs come back, counting begins anew.
  if (!isCounting && seen !== null) setSeen(null);
  return {
    unread(agentId) {
      if (seen === null || agentId === shownId) return 0;
      return countAfter(messages[agentId] ?? [], seen.get(agentId) ?? null);
    },
    leave: (agentId) =>
      setSeen((before) => before && new Map(before).set(agentId, lastId(messages[agentId] ?? []))),
  };
}

function lastIds(messages: MessagesByAgent): Map<string, string | null> {
  return new Map(Object.entries(messages).map(([id, list]) => [id, lastId(list)]));
}

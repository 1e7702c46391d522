// Which messages were there when the page had loaded, so that only later ones count as news.

import type { AgentMessage } from '@millrace/react/chat';
import { useState } from 'react';

const NONE: ReadonlySet<string> = new Set();

/** Fixed at the first render that is not loading; everything counts as history until then. */
export function useHistoryIds(
  messages: readonly AgentMessage[],
  isLoading: boolean,
): ReadonlySet<string> {
  const [ids, setIds] = useState<ReadonlySet<string> | null>(null);
  if (ids !== null) return ids;
  if (isLoading) return NONE;
  const history = new Set(messages.map((message) => message.id));
  setIds(history);
  return history;
}

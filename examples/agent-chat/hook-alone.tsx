// The hook without any component, provider or style sheet: it makes its own link, and polls where none can be had.

import {
  type UseRealtimeAgentMessagesOptions,
  useRealtimeAgentMessages,
} from '@millrace/react/chat';
import type { ReactElement } from 'react';

export function HookAlone(props: UseRealtimeAgentMessagesOptions): ReactElement {
  const { messages, isRealtime, error, isLoading } = useRealtimeAgentMessages({
    agentIds: ['claude_arbitrage', 'gemini_grid'],
    maxMessagesPerAgent: 5,
    ...props,
  });
  if (isLoading) return <p>Loading…</p>;
  return (
    <>
      <p>{error ?? (isRealtime ? 'Live' : 'Polling')}</p>
      {Object.entries(messages).map(([agentId, list]) => (
        <section key={agentId} aria-label={agentId}>
          <ul>
            {list.map((message) => (
              <li key={message.id}>
                {message.type}: {message.content}
              </li>
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}

// Spec A6: one agent's messages in a box of their own.

import { useRealtimeAgentMessages } from '@millrace/react/chat';
import { type ReactElement, useId } from 'react';
import { agentStyle } from './agent.ts';
import { AgentColumn } from './agent-column.tsx';
import { chatClassName } from './chat-class-name.ts';
import { type ChatFeedOptions, canReceive, feedOptions, hintUrl } from './chat-feed-options.ts';
import { ConnectionIndicator } from './connection-indicator.tsx';
import { connectionLabel } from './connection-label.ts';
import { ErrorNotice } from './error-notice.tsx';
import { GenerateHint } from './generate-hint.tsx';
import { NowProvider } from './now.tsx';
import { StatusLine } from './status-line.tsx';
import { useNewsSummary } from './use-news-summary.ts';

export interface AgentChatProps extends ChatFeedOptions {
  readonly agentId: string;
  readonly agentName: string;
  /** Any CSS colour. */
  readonly agentColor: string;
}

/**
 * One agent's messages. Several on a page share one link within a `MillraceProvider`; without one each has its own.
 * Needs `@millrace/ui/styles.css`.
 *
 * ```tsx
 * <AgentChat agentId="gemini_grid" agentName="Gemini Grid" agentColor="#9CAF88" />
 * ```
 */
export function AgentChat(props: AgentChatProps): ReactElement {
  const { agentId, agentName, agentColor, ...rest } = props;
  const agent = { id: agentId, name: agentName, color: agentColor };
  const chat = useRealtimeAgentMessages(feedOptions(rest, [agent]));
  const messages = chat.messages[agentId] ?? [];
  const summary = useNewsSummary([agent], chat.messages, chat.isLoading);
  const headingId = useId();
  const generateUrl = hintUrl(rest, chat);
  return (
    <NowProvider>
      <section
        className={chatClassName('mr-chat-single', rest.className)}
        style={agentStyle(agentColor)}
        aria-labelledby={headingId}
      >
        <div className="mr-column">
          <AgentColumn
            agent={agent}
            messages={messages}
            isLoading={chat.isLoading}
            isReceiving={canReceive(chat)}
            headingId={headingId}
          >
            <ConnectionIndicator {...chat} />
          </AgentColumn>
        </div>
        {chat.error !== null && (
          <ErrorNotice
            message={chat.error}
            onRetry={chat.status === 'idle' ? null : chat.reconnect}
          />
        )}
        {generateUrl !== null && <GenerateHint url={generateUrl} />}
        <StatusLine connection={connectionLabel(chat).text} error={chat.error} summary={summary} />
      </section>
    </NowProvider>
  );
}

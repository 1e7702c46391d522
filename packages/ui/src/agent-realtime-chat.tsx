// Spec A6: every agent's messages side by side, or as tabs where there is no room. Composes; the feed is the
// hook's, the layout the style sheet's.

import { useRealtimeAgentMessages } from '@millrace/react/chat';
import { type ReactElement, type ReactNode, useId, useRef, useState } from 'react';
import { type Agent, agentStyle } from './agent.ts';
import { AgentColumn } from './agent-column.tsx';
import { AgentTabs } from './agent-tabs.tsx';
import { chatClassName } from './chat-class-name.ts';
import { type ChatFeedOptions, canReceive, feedOptions, hintUrl } from './chat-feed-options.ts';
import { ConnectionIndicator } from './connection-indicator.tsx';
import { connectionLabel } from './connection-label.ts';
import { ErrorNotice } from './error-notice.tsx';
import { GenerateHint } from './generate-hint.tsx';
import { NowProvider } from './now.tsx';
import { StatusLine } from './status-line.tsx';
import { useNewsSummary } from './use-news-summary.ts';
import { useTabUnread } from './use-tab-unread.ts';
import { useTabsLayout } from './use-tabs-layout.ts';

export interface AgentRealtimeChatProps extends ChatFeedOptions {
  /** In the order in which they are shown. */
  readonly agents: readonly Agent[];
  /** Shown beside the indicator: buttons of the page's own. */
  readonly actions?: ReactNode;
}

/**
 * A column for each agent, in its colour; below 720 px of its own width, tabs. Fills its container's height.
 * Needs `@millrace/ui/styles.css`. Uses the client of a `MillraceProvider`, or its own.
 *
 * ```tsx
 * <AgentRealtimeChat agents={[{ id: 'gemini_grid', name: 'Gemini Grid', color: '#9CAF88' }]} />
 * ```
 */
export function AgentRealtimeChat(props: AgentRealtimeChatProps): ReactElement {
  const { agents } = props;
  const chat = useRealtimeAgentMessages(feedOptions(props, agents));
  const { messages, isLoading } = chat;
  const summary = useNewsSummary(agents, messages, isLoading);

  const baseId = useId();
  const tabListRef = useRef<HTMLDivElement>(null);
  const isTabs = useTabsLayout(tabListRef);
  const [chosenId, setChosenId] = useState<string | null>(null);
  // The agents may change under a choice: then the first one is shown.
  const selectedId = agents.find(({ id }) => id === chosenId)?.id ?? agents[0]?.id ?? null;
  const { unread, leave } = useTabUnread(messages, selectedId, isTabs && !isLoading);
  const partId = (part: string, id: string): string =>
    `${baseId}${part}${agents.findIndex((agent) => agent.id === id)}`;

  const generateUrl = hintUrl(props, chat);
  return (
    <NowProvider>
      <section className={chatClassName(null, props.className)} aria-label="Agent messages">
        <div className="mr-bar">
          <h2 className="mr-title">Agent messages</h2>
          {/* With an error the notice below says why, and what to do. */}
          <ConnectionIndicator {...chat} notice={chat.error === null ? chat.notice : null} />
          {props.actions}
        </div>
        {chat.error !== null && (
          <ErrorNotice
            message={chat.error}
            onRetry={chat.status === 'idle' ? null : chat.reconnect}
          />
        )}
        <AgentTabs
          listRef={tabListRef}
          agents={agents}
          selectedId={selectedId}
          tabId={(id) => partId('tab', id)}
          panelId={(id) => partId('panel', id)}
          unread={unread}
          onSelect={(id) => {
            if (selectedId !== null) leave(selectedId);
            setChosenId(id);
          }}
        />
        <div className="mr-columns">
          {agents.map((agent) => (
            <section
              key={agent.id}
              className="mr-column"
              style={agentStyle(agent.color)}
              id={partId('panel', agent.id)}
              role={isTabs ? 'tabpanel' : undefined}
              aria-labelledby={partId(isTabs ? 'tab' : 'name', agent.id)}
              data-selected={agent.id === selectedId}
            >
              <AgentColumn
                agent={agent}
                messages={messages[agent.id] ?? []}
                isLoading={isLoading}
                isReceiving={canReceive(chat)}
                headingId={partId('name', agent.id)}
              />
            </section>
          ))}
        </div>
        {generateUrl !== null && <GenerateHint url={generateUrl} />}
        <StatusLine connection={connectionLabel(chat).text} error={chat.error} summary={summary} />
      </section>
    </NowProvider>
  );
}

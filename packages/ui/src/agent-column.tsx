// One agent: who it is, how many messages are held, and the messages, or what there is instead of them.

import type { AgentMessage } from '@millrace/react/chat';
import type { ReactElement, ReactNode } from 'react';
import type { Agent } from './agent.ts';
import { AgentMark } from './agent-mark.tsx';
import { MessageList } from './message-list.tsx';
import { Skeleton } from './skeleton.tsx';
import { useHistoryIds } from './use-history-ids.ts';

export function AgentColumn(props: {
  readonly agent: Agent;
  readonly messages: readonly AgentMessage[];
  readonly isLoading: boolean;
  /** Messages can come: an empty list is waiting, not broken. */
  readonly isReceiving: boolean;
  readonly headingId: string;
  /** At the end of the header. */
  readonly children?: ReactNode;
}): ReactElement {
  const { agent, messages, isLoading, isReceiving, headingId } = props;
  const historyIds = useHistoryIds(messages, isLoading);
  return (
    <>
      <header className="mr-column-head">
        <AgentMark name={agent.name} />
        <h3 className="mr-column-name" id={headingId} title={agent.name}>
          {agent.name}
        </h3>
        {!isLoading && (
          <span className="mr-count" title="Messages held here">
            {messages.length}
            <span className="mr-hidden"> messages</span>
          </span>
        )}
        {props.children}
      </header>
      {messages.length > 0 ? (
        <MessageList
          label={`Messages of ${agent.name}`}
          messages={messages}
          historyIds={historyIds}
        />
      ) : (
        <div className="mr-column-rest">
          {isLoading ? (
            <Skeleton />
          ) : (
            <p className="mr-empty">
              {isReceiving ? 'Waiting for agent messages…' : 'No messages received.'}
            </p>
          )}
        </div>
      )}
    </>
  );
}

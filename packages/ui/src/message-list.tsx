// An agent's messages, oldest first, in a list that scrolls by itself only for those who are at its end.

import type { AgentMessage } from '@millrace/react/chat';
import type { ReactElement } from 'react';
import { MessageCard } from './message-card.tsx';
import { useStickToNewest } from './use-stick-to-newest.ts';

export function MessageList(props: {
  readonly label: string;
  readonly messages: readonly AgentMessage[];
  /** Messages that were there when the page had loaded: history, which is not highlighted. */
  readonly historyIds: ReadonlySet<string>;
}): ReactElement {
  const { label, messages, historyIds } = props;
  const { scrollerRef, unread, onScroll, goToNewest } = useStickToNewest(messages);
  return (
    <div className="mr-list">
      {/* Focusable, so that it can be scrolled by keyboard. */}
      <div
        ref={scrollerRef}
        className="mr-list-scroller"
        role="group"
        aria-label={label}
        tabIndex={0}
        onScroll={onScroll}
      >
        <ol className="mr-list-items">
          {messages.map((message) => (
            <li key={message.id}>
              <MessageCard message={message} isNew={!historyIds.has(message.id)} />
            </li>
          ))}
        </ol>
      </div>
      {unread > 0 && (
        <button type="button" className="mr-pill" onClick={goToNewest}>
          {unread} new <span aria-hidden="true">↓</span>
        </button>
      )}
    </div>
  );
}

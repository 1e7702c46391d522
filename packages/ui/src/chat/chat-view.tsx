// A chat: its messages, what is wrong, and where one writes. Knows nothing of where they come from.

import type { ChatMessage } from '@millrace/react/chat';
import type { ReactElement, ReactNode } from 'react';
import { ErrorNotice } from '../error-notice.tsx';
import { NowProvider } from '../now.tsx';
import { Composer, type ComposerProps } from './composer.tsx';
import { MessageBubble } from './message-bubble.tsx';
import { useStickToEnd } from './use-stick-to-end.ts';

export interface ChatViewProps extends ComposerProps {
  readonly label: string;
  readonly rulesUrl: string | null;
  readonly messages: readonly ChatMessage[];
  readonly isLoading: boolean;
  readonly error: string | null;
  /** Instead of messages, while there is none. */
  readonly empty: ReactNode;
  /** The last answer, or a question that did not get there. */
  onRetry(): void;
}

export function ChatView(props: ChatViewProps): ReactElement {
  const { label, messages, isLoading, error } = props;
  const { scrollerRef, contentRef, isAtEnd, onScroll, goToEnd } = useStickToEnd();
  const last = messages.at(-1);
  return (
    <NowProvider>
      <div className="mr-thread">
        <div
          ref={scrollerRef}
          className="mr-list-scroller"
          role="group"
          aria-label={label}
          tabIndex={0}
          onScroll={onScroll}
        >
          <div ref={contentRef} className="mr-thread-items" aria-busy={isLoading}>
            {messages.length === 0 && !isLoading && props.empty}
            {messages.map((message) => (
              <MessageBubble
                key={message.id}
                message={message}
                rulesUrl={props.rulesUrl}
                onRetry={message === last ? props.onRetry : null}
              />
            ))}
          </div>
        </div>
        {!isAtEnd && (
          <button type="button" className="mr-pill" onClick={goToEnd}>
            Newest <span aria-hidden="true">↓</span>
          </button>
        )}
      </div>
      {error !== null && <ErrorNotice message={error} onRetry={null} />}
      <Composer {...props} />
      <p className="mr-hidden" role="status">
        {spoken(last, isLoading)}
      </p>
    </NowProvider>
  );
}

/** One polite line: an answer that is read aloud word by word as it comes would be noise. */
function spoken(last: ChatMessage | undefined, isLoading: boolean): string {
  if (isLoading) return 'Loading the conversation.';
  if (last?.role !== 'assistant') return '';
  switch (last.status) {
    case 'queued':
    case 'running':
      return 'An answer is being written.';
    case 'stopping':
    case 'stopped':
      return 'The answer was stopped.';
    case 'failed':
    case 'interrupted':
      return 'The answer could not be finished.';
    case 'sending':
    case 'completed':
      return 'The answer is complete.';
  }
}

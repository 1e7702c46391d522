// One conversation: what was said, what is being said, and where one writes. The hook's state, in the view.

import { useChat } from '@millrace/react/chat';
import { type ReactElement, type ReactNode, useEffect, useRef } from 'react';
import { ChatView } from './chat-view.tsx';

interface ConversationProps {
  readonly id: string;
  readonly apiUrl: string;
  readonly rulesUrl: string | null;
  readonly placeholder: string;
  /** Asked as soon as it is here: what the conversation was begun for. */
  readonly firstQuestion: string | null;
  readonly empty: ReactNode;
}

export function Conversation(props: ConversationProps): ReactElement {
  const { id, apiUrl, placeholder, firstQuestion, empty } = props;
  const chat = useChat({ conversationId: id, api: `${apiUrl}/chat` });
  const { send } = chat;
  const isAsked = useRef(false);
  useEffect(() => {
    // Effects run twice in development; it is asked once.
    if (firstQuestion === null || isAsked.current) return;
    isAsked.current = true;
    send(firstQuestion);
  }, [firstQuestion, send]);

  return (
    <ChatView
      label="Messages"
      rulesUrl={props.rulesUrl}
      messages={chat.messages}
      isLoading={chat.status === 'loading'}
      isAnswering={chat.status !== 'ready' && chat.status !== 'loading'}
      isStopping={chat.status === 'stopping'}
      error={chat.error}
      placeholder={placeholder}
      empty={empty}
      onSend={send}
      onStop={chat.stop}
      onRetry={chat.retry}
    />
  );
}

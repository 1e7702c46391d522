// The page of one conversation: `useChat`, and its answer as paragraphs. What is finished of an answer is not rendered
// again: so does any page that renders Markdown.
/// <reference types="vite/client" />

import { createClient } from '@millrace/client';
import { MillraceProvider } from '@millrace/react';
import { type ChatMessage, useChat } from '@millrace/react/chat';
import { memo, type ReactElement, useLayoutEffect, useRef } from 'react';
import { createRoot } from 'react-dom/client';

const Paragraph = memo(({ text }: { readonly text: string }) => <p>{text}</p>);

const Message = memo(({ message }: { readonly message: ChatMessage }) => (
  <article data-status={message.status} data-length={message.text.length}>
    {message.text.split('\n\n').map((text, at) => (
      // Paragraphs only come to be at the end.
      <Paragraph key={at} text={text} />
    ))}
  </article>
));

function Conversation(): ReactElement {
  const { messages } = useChat({ conversationId: 'bench' });
  const list = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [messages]);
  return (
    <main ref={list} style={{ height: '100vh', overflowY: 'auto' }}>
      {messages.map((message) => (
        <Message key={message.id} message={message} />
      ))}
    </main>
  );
}

const root = document.querySelector('#root');
if (root === null) throw new Error('the page has no #root');
createRoot(root).render(
  <MillraceProvider client={createClient({ url: '/realtime' })}>
    <Conversation />
  </MillraceProvider>,
);

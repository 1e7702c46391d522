// The page of the chats: `useChat` of both majors, ai 7's WebSocket transport, and a native EventSource, each as a user
// writes it. `?client=…&chat=…`; asks on a click, resumes when it is loaded.

import { useChat } from '@ai-sdk/react';
import { DefaultChatTransport, type UIMessage, WebSocketChatTransport } from 'ai';
import { DefaultChatTransport as DefaultChatTransport6 } from 'ai-6';
import { useChat as useChat6 } from 'ai-sdk-react-3';
import { type ReactElement, useState } from 'react';
import { createRoot } from 'react-dom/client';

const query = new URLSearchParams(location.search);
const client = query.get('client') ?? '';
const chat = query.get('chat') ?? '';
const question = { text: 'How many trades?' };

interface Shown {
  readonly messages: readonly {
    readonly role: string;
    readonly parts: readonly { readonly type: string; readonly text?: string }[];
  }[];
  readonly status: string;
  readonly ask: () => unknown;
}

function Answers({ messages, status, ask }: Shown): ReactElement {
  const answers = messages.filter(({ role }) => role === 'assistant');
  const textOf = ({ parts }: Shown['messages'][number]): string =>
    parts.map(({ type, text }) => (type === 'text' ? text : '')).join('');
  return (
    <main data-status={status}>
      <button type="button" onClick={() => void ask()}>
        Ask
      </button>
      {answers.map((answer, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are only counted
        <p key={index}>{textOf(answer)}</p>
      ))}
    </main>
  );
}

const transport7 =
  client === 'socket'
    ? new WebSocketChatTransport<UIMessage>({ url: '/chat-ws' })
    : new DefaultChatTransport<UIMessage>({ api: '/ui-7' });

function Seven(): ReactElement {
  const shown = useChat({ id: chat, resume: true, transport: transport7 });
  return <Answers {...shown} ask={() => shown.sendMessage(question)} />;
}

// Typed by a copy of ai 6 of its own.
type Options6 = Parameters<typeof useChat6>[0];
const options6 = {
  ...{ id: chat, resume: true },
  transport: new DefaultChatTransport6({ api: '/ui-6' }),
} as unknown as Options6;

function Six(): ReactElement {
  const shown = useChat6(options6);
  return <Answers {...shown} ask={() => shown.sendMessage(question)} />;
}

const STATES = ['connecting', 'open', 'closed'];

/**
 * As a page without a library does it: `token` adds, `reset` takes back, `done` is the end; the browser comes back by
 * itself.
 */
function Native(): ReactElement {
  const [text, setText] = useState('');
  const [status, setStatus] = useState('ready');
  function ask(): void {
    const source = new EventSource(`/plain?chat=${chat}`);
    source.onmessage = ({ data }: MessageEvent<string>) => {
      const event = JSON.parse(data) as { type: string; content?: string };
      if (event.type === 'token') setText((before) => before + event.content);
      if (event.type === 'reset') setText(event.content ?? '');
    };
    source.onerror = () => setStatus(STATES[source.readyState] ?? '');
    source.onopen = () => setStatus('open');
  }
  const parts = [{ type: 'text', text }];
  return <Answers messages={[{ role: 'assistant', parts }]} status={status} ask={ask} />;
}

const CLIENTS: Readonly<Record<string, () => ReactElement>> = {
  ...{ 'useChat 7': Seven, 'useChat 6': Six, socket: Seven, EventSource: Native },
};
const Shown = CLIENTS[client] ?? Seven;
const root = document.querySelector('#root');
if (root !== null) createRoot(root).render(<Shown />);

// Spec E8: a chat about one trading run, or about all of them. Which conversation it shows, and how it began, is here;
// what is said in it is the hook's, how it looks the view's.

import type { ChatMessage } from '@millrace/react/chat';
import { type ReactElement, useState } from 'react';
import { chatClassName } from '../chat-class-name.ts';
import { ErrorNotice } from '../error-notice.tsx';
import { ChatView } from './chat-view.tsx';
import { Conversation } from './conversation.tsx';
import { Suggestions } from './suggestions.tsx';
import { useChatSessions } from './use-chat-sessions.ts';

export interface ChatInterfaceProps {
  /** Null: about everything that is the user's. */
  readonly selectedModelId: string | null;
  readonly selectedRunId: string | null;
  /** The run's number within its model, for the badge. */
  readonly runNumber?: number | undefined;
  /** Where Desk's endpoints are. Default `/api`. */
  readonly apiUrl?: string;
  /** Also decides the size. Default: fills its container, 20 rem high at least. */
  readonly className?: string | undefined;
}

/**
 * Within a `MillraceProvider`. Needs `@millrace/ui/styles.css`. Leaving the page, or choosing another run, stops nothing.
 *
 * ```tsx
 * <ChatInterface selectedModelId="gemini_grid" selectedRunId={run.id} runNumber={run.number} />
 * ```
 */
export function ChatInterface(props: ChatInterfaceProps): ReactElement {
  const { selectedModelId, selectedRunId } = props;
  // Another run is another chat.
  return <RunChat key={`${selectedModelId}/${selectedRunId}`} {...props} />;
}

function RunChat(props: ChatInterfaceProps): ReactElement {
  const { selectedModelId: modelId, selectedRunId: runId, runNumber, apiUrl = '/api' } = props;
  const { sessions, isLoading, error, begin } = useChatSessions(apiUrl, { modelId, runId });
  // Undefined: the newest one there is.
  const [chosen, setChosen] = useState<string | null | undefined>(undefined);
  const [first, setFirst] = useState<FirstQuestion | null>(null);
  const open = chosen === undefined ? (sessions[0]?.id ?? null) : chosen;
  const isAboutRun = runId !== null;
  const rulesUrl =
    modelId === null ? null : `${apiUrl}/models/${encodeURIComponent(modelId)}/rules`;
  const placeholder = isAboutRun ? 'Ask about this run...' : 'Ask me anything...';

  async function ask(text: string): Promise<void> {
    setFirst({ text, status: 'sending' });
    const id = await begin(text);
    if (id !== null) setChosen(id);
    // It stays to be read, and to be sent again: where it was typed it is gone by now.
    else setFirst({ text, status: 'failed' });
  }

  return (
    <section
      className={chatClassName('mr-run-chat', props.className)}
      aria-label={isAboutRun ? 'Chat with the AI about this run' : 'Chat with the AI'}
    >
      <header className="mr-run-head">
        {isAboutRun && (
          <span className="mr-run-badge">
            {runNumber === undefined ? 'This run' : `Run #${runNumber}`}
          </span>
        )}
        <p className="mr-run-about">
          {isAboutRun
            ? "Chatting with AI about this run (uses your model's AI)"
            : 'Chatting with AI about all your models and runs'}
        </p>
        {sessions.length > 0 && (
          <select
            className="mr-run-history"
            aria-label="Conversation"
            value={open ?? ''}
            onChange={({ target }) => {
              setFirst(null);
              setChosen(target.value === '' ? null : target.value);
            }}
          >
            <option value="">New conversation</option>
            {sessions.map(({ id, title }) => (
              <option key={id} value={id}>
                {title === '' ? 'Conversation' : title}
              </option>
            ))}
          </select>
        )}
      </header>
      {error !== null && <ErrorNotice message={error} onRetry={null} />}
      {open === null ? (
        <ChatView
          label="Messages"
          rulesUrl={rulesUrl}
          messages={first === null ? [] : [askedFirst(first)]}
          isLoading={isLoading}
          isAnswering={first?.status === 'sending'}
          isStopping={false}
          error={null}
          placeholder={placeholder}
          empty={<Suggestions isAboutRun={isAboutRun} onAsk={(text) => void ask(text)} />}
          onSend={(text) => void ask(text)}
          onStop={null}
          onRetry={() => first !== null && void ask(first.text)}
        />
      ) : (
        <Conversation
          key={open}
          id={open}
          apiUrl={apiUrl}
          rulesUrl={rulesUrl}
          placeholder={placeholder}
          firstQuestion={first?.text ?? null}
          empty={<Suggestions isAboutRun={isAboutRun} onAsk={null} />}
        />
      )}
    </section>
  );
}

/** Of a conversation that is not there yet. */
interface FirstQuestion {
  readonly text: string;
  readonly status: 'sending' | 'failed';
}

function askedFirst({ text, status }: FirstQuestion): ChatMessage {
  return {
    ...{ id: 'first', role: 'user', text, parts: [], status, runId: null },
    error: status === 'failed' ? 'It was not sent.' : null,
    createdAt: '',
  };
}

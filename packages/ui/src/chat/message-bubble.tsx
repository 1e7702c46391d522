// One message of a chat: a question as it was typed, an answer part by part as it is written.

import { isFinalStatus, type RunPart } from '@millrace/protocol/runs';
import type { ChatMessage } from '@millrace/react/chat';
import { memo, type NamedExoticComponent, type ReactElement } from 'react';
import { RelativeTime } from '../relative-time.tsx';
import { MarkdownRenderer } from './markdown-renderer.tsx';
import { SuggestedRules } from './suggested-rules.tsx';
import { ToolBadge } from './tool-badge.tsx';
import { webAddress } from './web-address.ts';

export interface MessageBubbleProps {
  readonly message: ChatMessage;
  /** Where rules that it suggests can be accepted; null where there is no model. */
  readonly rulesUrl: string | null;
  /** Null where it can't be tried again. */
  readonly onRetry: (() => void) | null;
}

export const MessageBubble: NamedExoticComponent<MessageBubbleProps> = memo(function MessageBubble({
  message,
  rulesUrl,
  onRetry,
}: MessageBubbleProps): ReactElement {
  const isMine = message.role === 'user';
  return (
    <article className="mr-msg" data-role={message.role} aria-label={isMine ? 'You' : 'Answer'}>
      {isMine ? (
        <>
          <p className="mr-msg-text">{message.text}</p>
          {message.status === 'failed' && (
            <p className="mr-msg-note" data-tone="bad">
              {message.error ?? 'It did not reach the server.'} <Again onRetry={onRetry} />
            </p>
          )}
        </>
      ) : (
        <Answer message={message} rulesUrl={rulesUrl} onRetry={onRetry} />
      )}
      {hasTime(message) && (
        <footer className="mr-msg-foot">
          <RelativeTime at={message.createdAt} />
        </footer>
      )}
    </article>
  );
});

/** Of what is under way there is no time yet worth a line. */
function hasTime({ role, status, createdAt }: ChatMessage): boolean {
  if (createdAt === '') return false;
  if (status === 'sending') return false;
  return role === 'user' || isFinalStatus(status);
}

function Answer({ message, rulesUrl, onRetry }: MessageBubbleProps): ReactElement {
  const { parts, status, error } = message;
  const isWriting = status === 'running' || status === 'stopping' || status === 'queued';
  return (
    <>
      {groupsOf(parts).map((group) => (
        // A part is named by its place, and keeps it.
        <Group key={group.at} group={group} isWriting={isWriting} />
      ))}
      {isWriting && (
        <p className="mr-writing">
          <span className="mr-dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          {WAITING[status]}
        </p>
      )}
      {!isWriting && rulesUrl !== null && <SuggestedRules parts={parts} rulesUrl={rulesUrl} />}
      {status === 'stopped' && (
        <p className="mr-msg-note">Stopped. What was written is shown here, and not kept.</p>
      )}
      {(status === 'failed' || status === 'interrupted') && (
        <p className="mr-msg-note" data-tone="bad">
          {error ?? 'The answer could not be finished.'} <Again onRetry={onRetry} />
        </p>
      )}
    </>
  );
}

function Again({ onRetry }: Pick<MessageBubbleProps, 'onRetry'>): ReactElement | null {
  if (onRetry === null) return null;
  return (
    <button type="button" className="mr-link" onClick={onRetry}>
      Try again
    </button>
  );
}

const WAITING = { queued: 'Waiting for its turn', running: 'Writing', stopping: 'Stopping' };

interface PartGroup {
  /** The place of its first part. */
  readonly at: number;
  readonly parts: readonly RunPart[];
}

/** Tools that were called one after the other stand in one row. */
function groupsOf(parts: readonly RunPart[]): readonly PartGroup[] {
  const groups: { at: number; parts: RunPart[] }[] = [];
  for (const [at, part] of parts.entries()) {
    const last = groups.at(-1);
    if (part.type === 'step') continue;
    if (part.type === 'tool' && last?.parts[0]?.type === 'tool') last.parts.push(part);
    else groups.push({ at, parts: [part] });
  }
  return groups;
}

function Group({
  group,
  isWriting,
}: {
  readonly group: PartGroup;
  readonly isWriting: boolean;
}): ReactElement | null {
  const [first] = group.parts;
  if (first === undefined) return null;
  if (first.type !== 'tool') return <Part part={first} isWriting={isWriting} />;
  return (
    <div className="mr-tools">
      {group.parts.map((part) =>
        part.type === 'tool' ? <ToolBadge key={part.callId} part={part} /> : null,
      )}
    </div>
  );
}

function Part({
  part,
  isWriting,
}: {
  readonly part: RunPart;
  readonly isWriting: boolean;
}): ReactElement | null {
  switch (part.type) {
    case 'text':
      return part.text === '' ? null : (
        <MarkdownRenderer content={part.text} isStreaming={isWriting && !part.isDone} />
      );
    case 'reasoning':
      return part.text === '' ? null : (
        <details className="mr-reasoning">
          <summary>{part.isDone || !isWriting ? 'Thoughts' : 'Thinking'}</summary>
          <MarkdownRenderer content={part.text} isStreaming={isWriting && !part.isDone} />
        </details>
      );
    case 'tool':
      return <ToolBadge part={part} />;
    case 'source': {
      const url = part.url === null ? null : webAddress(part.url);
      const name = part.title ?? url?.host ?? part.id;
      return (
        <p className="mr-source">
          {url === null ? (
            name
          ) : (
            <a href={url.href} target="_blank" rel="noopener noreferrer nofollow">
              {name}
            </a>
          )}
        </p>
      );
    }
    // A step is no content; what an application adds of its own, it shows itself.
    case 'step':
    case 'file':
    case 'data':
      return null;
  }
}

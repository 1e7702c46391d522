// One message. Its text is shown as text, whatever it holds: agents quote what strangers wrote.

import type { AgentMessage } from '@millrace/react/chat';
import { memo, type NamedExoticComponent, type ReactElement, useEffect, useState } from 'react';
import { MessageTypeBadge } from './message-type-badge.tsx';
import { RelativeTime } from './relative-time.tsx';

const FRESH_MS = 3_000;

export interface MessageCardProps {
  readonly message: AgentMessage;
  /** It arrived while somebody was looking: highlighted for three seconds after it appears. */
  readonly isNew: boolean;
}

export const MessageCard: NamedExoticComponent<MessageCardProps> = memo(function MessageCard({
  message,
  isNew,
}: MessageCardProps): ReactElement {
  const [isFresh, setFresh] = useState(isNew);
  useEffect(() => {
    if (!isFresh) return undefined;
    const timer = setTimeout(() => setFresh(false), FRESH_MS);
    return () => clearTimeout(timer);
  }, [isFresh]);

  return (
    <article className="mr-card" data-fresh={isFresh || undefined}>
      <div className="mr-card-head">
        <MessageTypeBadge type={message.type} />
        <RelativeTime at={message.timestamp} />
      </div>
      <p className="mr-card-text">{message.content}</p>
    </article>
  );
});

// How messages arrive, at a glance: a shape, a label that names the carrier, and the reason for a lesser one.
// Not a live region: the chat has one status line that speaks for all of it.

import type { AgentMessagesStatus, AgentMessagesTransport } from '@millrace/react/chat';
import type { ReactElement } from 'react';
import { connectionLabel } from './connection-label.ts';

export function ConnectionIndicator(props: {
  readonly status: AgentMessagesStatus;
  readonly transport: AgentMessagesTransport | null;
  readonly notice: string | null;
}): ReactElement {
  const { text, tone } = connectionLabel(props);
  return (
    <p className="mr-indicator" data-tone={tone} title={props.notice ?? undefined}>
      <span className="mr-indicator-dot" aria-hidden="true" />
      <span className="mr-indicator-label">{text}</span>
      {props.notice !== null && <span className="mr-indicator-notice">{props.notice}</span>}
    </p>
  );
}

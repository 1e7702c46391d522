// What kind of message it is: a word and a shape of its own, so that colour is never the only sign.

import type { AgentMessage } from '@millrace/react/chat';
import type { ReactElement } from 'react';

type MessageType = AgentMessage['type'];

const LABELS: Readonly<Record<MessageType, string>> = {
  analysis: 'Analysis',
  trade: 'Trade',
  opinion: 'Opinion',
};

/** Bars for a look at figures, opposed arrows for an exchange, a speech bubble for a view. */
const SHAPES: Readonly<Record<MessageType, string>> = {
  analysis: 'M2.5 13.5v-5M8 13.5v-11M13.5 13.5v-7.5',
  trade: 'M2 5.5h11M10 2.5l3 3-3 3M14 10.5H3M6 7.5l-3 3 3 3',
  opinion: 'M2.5 3h11v7.5H8L4.5 13.5v-3h-2z',
};

export function MessageTypeBadge(props: { readonly type: MessageType }): ReactElement {
  const { type } = props;
  return (
    <span className="mr-badge" data-type={type}>
      <svg className="mr-badge-icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
        <path d={SHAPES[type]} />
      </svg>
      {LABELS[type]}
    </span>
  );
}

// A gain or loss: sign, arrow and colour, so that colour is never the only cue.

import type { ReactElement } from 'react';
import { formatChange } from './format.ts';

export function Change({
  share,
  className = '',
}: {
  share: number;
  className?: string;
}): ReactElement {
  const text = formatChange(share);
  const tone = text.startsWith('+') ? 'text-up' : text.startsWith('−') ? 'text-down' : 'text-quiet';
  const arrow = text.startsWith('+') ? '▲' : text.startsWith('−') ? '▼' : '•';
  return (
    <span
      className={`tabular inline-flex items-baseline gap-1 whitespace-nowrap ${tone} ${className}`}
    >
      <span aria-hidden="true" className="text-[9px]">
        {arrow}
      </span>
      {text}
    </span>
  );
}

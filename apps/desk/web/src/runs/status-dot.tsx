// Whether a run trades: a full dot, or a ring for one that is over, with the word for who sees no dots.

import type { ReactElement } from 'react';
import type { RunInfo } from '../../../shared/trading.ts';

const WORDS = { running: 'Running', ending: 'Ending', completed: 'Completed' } as const;

export function StatusDot({
  status,
  hasWord = false,
}: {
  readonly status: RunInfo['status'];
  readonly hasWord?: boolean;
}): ReactElement {
  const look = status === 'completed' ? 'border border-quiet' : 'bg-up';
  return (
    <span className="inline-flex items-center gap-1.5">
      <span aria-hidden="true" className={`size-2 rounded-full ${look}`} />
      <span className={hasWord ? 'text-xs' : 'sr-only'}>{WORDS[status]}</span>
    </span>
  );
}

// Room for messages that are on their way, in the shape they will have, so that nothing jumps.

import type { ReactElement } from 'react';

const LINES = [2, 3, 2] as const;

export function Skeleton(): ReactElement {
  return (
    <div className="mr-skeleton" aria-hidden="true">
      {LINES.map((lines, card) => (
        <div className="mr-card" key={card}>
          <div className="mr-skeleton-line" data-width="short" />
          {Array.from({ length: lines }, (_, line) => (
            <div className="mr-skeleton-line" key={line} />
          ))}
        </div>
      ))}
    </div>
  );
}

// A short piece of an agent's line, as a legend has it.

import type { ReactElement } from 'react';
import { useGround } from '../parts/use-ground.ts';
import { lineStyle } from './line-style.ts';

export function LineSample({
  color,
  index,
}: {
  readonly color: string;
  readonly index: number;
}): ReactElement {
  const style = lineStyle(color, index, useGround());
  return (
    <svg aria-hidden="true" width="26" height="8" className="self-center">
      <line
        x1="0"
        x2="26"
        y1="4"
        y2="4"
        stroke={style.color}
        strokeWidth="2.5"
        strokeDasharray={style.dash.join(' ')}
      />
    </svg>
  );
}

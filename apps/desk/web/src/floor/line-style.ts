// How each agent's line is drawn: its colour, made legible, and a dash pattern as the second cue.

import { legibleColor } from '../parts/legible-color.ts';

const DASHES: readonly (readonly number[])[] = [[], [9, 4], [2, 3], [12, 4, 2, 4], [5, 3]];

export interface LineStyle {
  readonly color: string;
  readonly dash: readonly number[];
}

export function lineStyle(color: string, index: number, ground: string): LineStyle {
  return { color: legibleColor(color, ground), dash: DASHES[index % DASHES.length] ?? [] };
}

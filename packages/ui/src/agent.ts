// What the components know of an agent, and how it is marked beside its colour.

import type { CSSProperties } from 'react';

export interface Agent {
  readonly id: string;
  readonly name: string;
  /** Any CSS colour. Only its hue is taken as it is: lightness is fitted to the theme, so that it stays legible. */
  readonly color: string;
}

/** The colour as a custom property; the style sheet derives the legible accent from it. */
export type AgentStyle = CSSProperties & { readonly '--mr-agent': string };

export function agentStyle(color: string): AgentStyle {
  return { '--mr-agent': color };
}

/** One or two letters that tell agents apart where colour can't: first letters of the first two words. */
export function monogram(name: string): string {
  const initials = name.match(/(?<![\p{L}\p{N}])[\p{L}\p{N}]/gu) ?? [];
  return initials.slice(0, 2).join('').toUpperCase() || '?';
}

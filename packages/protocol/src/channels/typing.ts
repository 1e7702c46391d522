// The ready-made ephemeral event of somebody who types, for any contract: `ephemeral: { ...typing, … }`.

import type { StandardSchema } from '../standard-schema.ts';
import { oneOf, shape } from './shape.ts';

export interface Typing {
  /** `stopped` ends it before its time. */
  readonly state: 'typing' | 'stopped';
}

/** `typing`: `useTypingIndicator` sends it and shows that of others. */
export const typing: { readonly typing: StandardSchema<Typing> } = {
  typing: shape({ state: oneOf(['typing', 'stopped']) }),
};

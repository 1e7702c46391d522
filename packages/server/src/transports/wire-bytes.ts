// A text as what goes on the wire, in the form that is cheapest to make and to write.

import type { WireBytes } from '../seams/link.ts';

/**
 * Up to here plain ASCII stays a string: making one costs a tenth of making a buffer, and what is written is copied
 * once more. Above, the copy for each reader costs more.
 */
const MAX_STRING_BYTES = 1_024;

/** How many bytes it has in UTF-8, and whether it may stay a string of one byte a character. */
export function measure(text: string): { readonly bytes: number; readonly isShortAscii: boolean } {
  const bytes = Buffer.byteLength(text);
  // As many bytes as characters: every one is ASCII.
  return { bytes, isShortAscii: bytes === text.length && bytes <= MAX_STRING_BYTES };
}

export function toWireBytes(text: string): WireBytes {
  return measure(text).isShortAscii ? text : Buffer.from(text);
}

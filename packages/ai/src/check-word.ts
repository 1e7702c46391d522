// What names something is kept in rows, events and channels' names, and bounded there.

import { MillraceError } from '@millrace/protocol';
import { MAX_NAME_LENGTH } from './limits.ts';

/** @throws MillraceError `request/invalid` */
export function checkWord(word: string, name: string): void {
  const fits = word !== '' && word.length <= MAX_NAME_LENGTH;
  if (fits && word.isWellFormed() && !word.includes('\0')) return;
  throw new MillraceError(
    'request/invalid',
    `${name} is a text of 1 to ${MAX_NAME_LENGTH} characters.`,
  );
}

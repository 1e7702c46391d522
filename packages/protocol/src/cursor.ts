// Cursors: (epoch, offset), and their text `epoch.offset`. Rules: CUR-1 … CUR-4.
// A cursor is the same bytes for every reader and grants nothing; it is no secret and is not signed.

import { MillraceError } from './errors.ts';
import { isOffset, type Offset } from './offset.ts';

export interface Cursor {
  /** Random name of the channel's incarnation: 1–32 characters of A–Z a–z 0–9 _ -. */
  readonly epoch: string;
  /** The last event that was received; 0 before the first. */
  readonly offset: Offset;
}

const CURSOR = /^([\w-]{1,32})\.(0|[1-9]\d{0,15})$/;

export function encodeCursor(cursor: Cursor): string {
  return `${cursor.epoch}.${cursor.offset}`;
}

/** @throws MillraceError `cursor/malformed` */
export function parseCursor(text: unknown): Cursor {
  const [, epoch, digits] = (typeof text === 'string' && CURSOR.exec(text)) || [];
  const offset = Number(digits);
  if (epoch === undefined || !isOffset(offset)) {
    throw new MillraceError('cursor/malformed', 'That is no cursor. Send one as it was received.');
  }
  return { epoch, offset };
}

// The id of a call as rows, events and a message keep it: the model's own, where that is short and no call of the message
// has it already. Pure. Rules: RUN-12.

import { createHash } from 'node:crypto';
import { MAX_NAME_LENGTH } from './limits.ts';

/** What makes a call's id another one where its model used it in an earlier step. */
const AGAIN = '~again';
/** Leaves room for that. */
const MAX_RAW_LENGTH = MAX_NAME_LENGTH - 20;

/** The same for the same id; some providers keep kilobytes of their own in one. */
export function shortCallId(raw: string): string {
  const isShort = raw.length <= MAX_NAME_LENGTH && rawCallId(raw).length <= MAX_RAW_LENGTH;
  if (raw !== '' && isShort && raw.isWellFormed() && !raw.includes('\0')) return raw;
  return createHash('sha256').update(raw, 'utf16le').digest('base64url');
}

/** One that is not used yet. */
export function newCallId(raw: string, used: ReadonlySet<string>): string {
  const short = shortCallId(raw);
  let callId = short;
  for (let count = 1; used.has(callId); count += 1) callId = `${short}${AGAIN}${count}`;
  return callId;
}

/** The one that it was made of, shortened. */
export function rawCallId(callId: string): string {
  const at = callId.indexOf(AGAIN);
  return at < 0 ? callId : callId.slice(0, at);
}

// How large a message of the bus may be, on every engine: what passes on one node must pass on many. Rule: BUS-2.

import { Buffer } from 'node:buffer';
import { MillraceError } from '@millrace/protocol';

const MAX_MESSAGE_BYTES = 256 * 1_024;

/** @throws MillraceError `limit/event-size` */
export function messageBytes(topic: string, text: string): number {
  const bytes = Buffer.byteLength(text) + Buffer.byteLength(topic);
  if (bytes <= MAX_MESSAGE_BYTES) return bytes;
  throw new MillraceError(
    'limit/event-size',
    `The message has ${bytes} bytes, ${MAX_MESSAGE_BYTES} are allowed between nodes. Send a reference instead of the thing.`,
    { details: { bytes, maxBytes: MAX_MESSAGE_BYTES } },
  );
}

// A request's body as text, never more of it in memory than the limit (LIM-1). Read from the socket itself:
// the framework's own limit needs its replacement of the global Request, which a process's other code would get too.

import type { IncomingMessage } from 'node:http';
import { MillraceError } from '@millrace/protocol';

export const MAX_BODY_BYTES = 16_384;

/** Where the sender says beforehand how much it is. @throws MillraceError `limit/body-size` */
export function refuseLargeBody(
  contentLength: string | undefined,
  maxBytes: number = MAX_BODY_BYTES,
): void {
  if (contentLength !== undefined && Number(contentLength) > maxBytes) throw tooLarge(maxBytes);
}

/** @throws MillraceError `limit/body-size`, `request/invalid` for text that is not UTF-8 */
export async function readBody(
  incoming: IncomingMessage,
  maxBytes: number = MAX_BODY_BYTES,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
    if (!(chunk instanceof Uint8Array)) continue;
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new MillraceError('request/invalid', 'The body is not UTF-8.', { cause });
  }
}

function tooLarge(maxBytes: number): MillraceError {
  return new MillraceError('limit/body-size', `A body here has at most ${maxBytes} bytes.`);
}

// The SSE carrier, read by fetch: a status and a body are visible, and the body of the request is `connect`,
// neither of which EventSource can do. Rules: SSE-1, LINK-1, LINK-7, CLI-12.

import { MillraceError } from '@millrace/protocol';
import { encodeClientFrame, parseServerFrame } from '@millrace/protocol/wire';
import { createParser } from 'eventsource-parser';
import { post, receivingTransport } from './http.ts';
import type { LinkHandlers, LinkRequest, Transport } from './transport.ts';

export const sseTransport: Transport = receivingTransport('sse', readStream);

async function readStream(
  request: LinkRequest,
  handlers: LinkHandlers,
  signal: AbortSignal,
): Promise<never> {
  const release = await request.host.acquireSlot();
  try {
    if (release === null) {
      const details = { isCrowded: true };
      throw new MillraceError('link/refused', 'Other tabs hold all streams.', { details });
    }
    signal.throwIfAborted();
    const body = encodeClientFrame(request.connect());
    const response = await post(request, 'sse', { body, signal });
    if (!response.body || !response.headers.get('content-type')?.includes('text/event-stream')) {
      throw new MillraceError('link/refused', 'No event stream.');
    }
    const parser = createParser({
      onEvent({ data }) {
        signal.throwIfAborted();
        handlers.frame(parseServerFrame(data));
      },
    });
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) throw new MillraceError('link/lost', 'The stream ended.');
      handlers.bytes();
      parser.feed(decoder.decode(value, { stream: true }));
    }
  } finally {
    release?.();
  }
}

// The plain stream of spec A1, read as a curl would, into a watch.

import type { AgentMessage } from '@millrace/protocol/channels';
import { parseJson } from '@millrace/protocol/wire';
import * as z from 'zod';
import { FIX_BUFFERING } from './advice.ts';
import { fail, type Outcome } from './check.ts';
import type { MessageWatch } from './message-watch.ts';
import { ask } from './request.ts';
import { readStream } from './stream-reader.ts';

export const messageSchema: z.ZodType<AgentMessage> = z.object({
  id: z.string(),
  agentId: z.string(),
  type: z.enum(['analysis', 'trade', 'opinion']),
  content: z.string(),
  timestamp: z.string(),
});

export interface PlainLink {
  close(): Promise<void>;
}

export async function openPlainLink(
  url: string,
  watch: MessageWatch,
): Promise<PlainLink | { readonly outcome: Outcome }> {
  const asked = await ask(`${url}/api/chat/stream`, {
    bodyWithinMs: 120_000,
    fixForSilence: FIX_BUFFERING,
  });
  if (!asked.isAnswered) return { outcome: asked.outcome };
  const { body } = asked.response;
  if (body === null) return { outcome: fail('The stream has no body.', FIX_BUFFERING) };
  const reading = follow(body, watch);
  return {
    async close() {
      asked.abandon();
      // How it ended is told by the messages that are missing.
      await Promise.allSettled([reading]);
    },
  };
}

async function follow(body: ReadableStream<Uint8Array>, watch: MessageWatch): Promise<void> {
  for await (const block of readStream(body)) {
    if (block.kind !== 'event' || block.event !== 'message') continue;
    const message = messageSchema.safeParse(parseJson(block.data));
    if (message.success) watch.saw(message.data);
  }
}

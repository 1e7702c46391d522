// What `useChat` posts.

import type { IncomingMessage } from 'node:http';
import { MillraceError } from '@millrace/protocol';

export interface ChatRequest {
  /** Of the chat. */
  readonly id: string;
  readonly trigger?: string;
  readonly messageId?: string;
  readonly messages: readonly {
    readonly id: string;
    readonly parts: readonly { readonly text?: string }[];
  }[];
}

/** @throws MillraceError `limit/body-size` over a million characters */
export async function readJson(req: IncomingMessage): Promise<ChatRequest> {
  let text = '';
  for await (const chunk of req.setEncoding('utf8')) {
    text += String(chunk);
    if (text.length > 1_000_000) throw new MillraceError('limit/body-size', 'That is too long.');
  }
  return JSON.parse(text) as ChatRequest;
}

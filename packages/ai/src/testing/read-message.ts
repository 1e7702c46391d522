// What the AI SDK itself makes of a UI message stream.

import { readUIMessageStream, type UIMessage, type UIMessageChunk } from 'ai';

/** The message as it stands at the end; undefined where nothing was told. */
export async function readMessage(
  stream: ReadableStream<UIMessageChunk>,
): Promise<UIMessage | undefined> {
  let message: UIMessage | undefined;
  for await (const next of readUIMessageStream({ stream, onError: () => undefined })) {
    message = structuredClone(next);
  }
  return message;
}

export function textOfMessage(message: UIMessage | undefined): string {
  return (message?.parts ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('');
}

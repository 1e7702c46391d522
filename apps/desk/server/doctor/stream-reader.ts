// Reads a plain SSE stream block by block and notes when each arrived and with which read, so that a proxy that
// gathers blocks can be recognised. On purpose not the client's reader: the doctor looks at what is on the wire.

export type StreamBlock = {
  readonly atMs: number;
  /** Blocks of one read have the same number. */
  readonly read: number;
} & (
  | { readonly kind: 'comment'; readonly text: string }
  | {
      readonly kind: 'event';
      readonly event: string;
      readonly id: string | null;
      readonly data: string;
    }
);

/** Ends when the stream does, or rejects when it breaks. */
export async function* readStream(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamBlock> {
  const decoder = new TextDecoder();
  let text = '';
  let read = 0;
  for await (const chunk of body) {
    read += 1;
    const atMs = performance.now();
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split(/\r?\n\r?\n/);
    text = blocks.pop() ?? '';
    for (const block of blocks) yield* parseBlock(block, { atMs, read });
  }
}

function* parseBlock(
  block: string,
  place: { readonly atMs: number; readonly read: number },
): Generator<StreamBlock> {
  let event = 'message';
  let id: string | null = null;
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    if (line.startsWith(':')) yield { ...place, kind: 'comment', text: line.slice(1).trim() };
    const [, field, value = ''] = /^(event|id|data):? ?(.*)$/.exec(line) ?? [];
    if (field === 'event') event = value;
    if (field === 'id') id = value;
    if (field === 'data') data.push(value);
  }
  if (data.length > 0) yield { ...place, kind: 'event', event, id, data: data.join('\n') };
}

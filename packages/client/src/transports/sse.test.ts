// Reading a stream of frames, however the network cuts it and whatever ends its lines.

import type { ServerFrame } from '@millrace/protocol/wire';
import { describe, expect, test } from 'vitest';
import { sseTransport } from './sse.ts';
import type { TransportHost } from './transport.ts';

const FRAMES = [
  { type: 'end', channel: 'a', cursor: 'e.1' },
  {
    type: 'events',
    channel: 'a',
    events: [{ offset: 2, at: 't', type: 'x', data: 'ä €\u2028😀' }],
  },
  { type: 'beat', at: 7 },
];
const texts = FRAMES.map((frame) => JSON.stringify(frame));

/** As the server writes it, with comments between, and one frame over two lines as an encoder may cut it. */
function stream(lineEnd: string): string {
  const [first = '', ...others] = texts;
  const lines = [
    ':hello',
    '',
    `data: ${first.slice(0, 1)}`,
    `data:${first.slice(1)}`,
    '',
    ...others.flatMap((text) => [`data: ${text}`, '', ': beat', '']),
    // Something after the last frame: a line that ends in CR is over only when the next character has come.
    ':',
  ];
  return lines.join(lineEnd);
}

async function read(chunks: readonly Uint8Array[]): Promise<readonly (ServerFrame | null)[]> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  const headers = { 'content-type': 'text/event-stream; charset=utf-8' };
  const host: TransportHost = {
    now: () => 0,
    fetch: () => Promise.resolve(new Response(body, { headers })),
    WebSocket: undefined,
    setTimer: () => () => undefined,
    acquireSlot: () => Promise.resolve(() => undefined),
  };
  const frames: (ServerFrame | null)[] = [];
  await new Promise<void>((resolve) => {
    const request = {
      url: 'http://hub.test',
      credentials: 'same-origin' as const,
      host,
      connect: () => ({
        type: 'connect' as const,
        protocol: 1,
        session: 'a'.repeat(22),
        link: 1,
        channels: [],
      }),
    };
    sseTransport.open(request, {
      bytes: () => undefined,
      frame: (frame) => frames.push(frame),
      closed: () => resolve(),
    });
  });
  return frames;
}

const expected = [
  { type: 'end', channel: 'a', cursor: { epoch: 'e', offset: 1 } },
  FRAMES[1],
  FRAMES[2],
];

describe.each([
  ['LF', '\n'],
  ['CRLF', '\r\n'],
  ['CR', '\r'],
])('EVT-3: lines that end in %s', (_name, lineEnd) => {
  const bytes = new TextEncoder().encode(stream(lineEnd));

  test('a cut at any byte, also within a character, changes nothing', async () => {
    for (let at = 0; at <= bytes.length; at += 1) {
      expect(await read([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(expected);
    }
  });

  test('byte for byte', async () => {
    expect(await read(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected);
  });

  test('after a byte order mark', async () => {
    const mark = Uint8Array.of(0xef, 0xbb, 0xbf);
    expect(await read([mark.subarray(0, 1), mark.subarray(1), bytes])).toEqual(expected);
  });
});

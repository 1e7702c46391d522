// The reader of WebSocket frames against RFC 6455: what arrives at every cut, what breaks the rules, what must be bounded.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WsReader, type WsReceiver } from './ws-reader.ts';

interface FrameParts {
  readonly isFinal?: boolean;
  readonly reserved?: number;
  readonly isMasked?: boolean;
  /** The length as the header says it; default: the payload's. */
  readonly length?: number;
}

const MASK = Buffer.from([0x12, 0x34, 0x56, 0x78]);

/** A frame as a client sends it. */
function frame(opcode: number, payload: Buffer | string, parts: FrameParts = {}): Buffer {
  const { isFinal = true, reserved = 0, isMasked = true } = parts;
  const data = Buffer.from(payload);
  const length = parts.length ?? data.length;
  const first = (isFinal ? 0x80 : 0) | (reserved << 4) | opcode;
  const masked = isMasked ? 0x80 : 0;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = first;
  head[1] = masked | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  if (!isMasked) return Buffer.concat([head, data]);
  return Buffer.concat([head, MASK, data.map((byte, index) => byte ^ (MASK[index & 3] ?? 0))]);
}

const text = (payload: string, parts?: FrameParts): Buffer => frame(1, payload, parts);
const continuation = (payload: string, parts?: FrameParts): Buffer => frame(0, payload, parts);
const closing = (code: number, reason = ''): Buffer =>
  frame(8, Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]));

/** What a reader is told of these bytes, in these chunks. */
function readAll(chunks: readonly Buffer[], maxBytes = 65_536): string[] {
  const told: string[] = [];
  const receiver: WsReceiver = {
    text: (message) => void told.push(`text ${message}`),
    binary: () => void told.push('binary'),
    ping: (payload) => void told.push(`ping ${payload.toString()}`),
    closed: (code) => void told.push(`closed ${code}`),
    failed: (error) => void told.push(`failed ${error.code}`),
  };
  const reader = new WsReader(maxBytes);
  // Copied, because payloads are unmasked in place.
  for (const chunk of chunks) reader.push(Buffer.from(chunk), receiver);
  return told;
}

function everyByte(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (byte) => Buffer.from([byte]));
}

describe('what may be sent', () => {
  const rows: readonly [name: string, Buffer, readonly string[]][] = [
    ['a text', text('hello'), ['text hello']],
    ['an empty text', text(''), ['text ']],
    ['a text of 125 bytes', text('x'.repeat(125)), [`text ${'x'.repeat(125)}`]],
    ['a text of 126 bytes', text('x'.repeat(126)), [`text ${'x'.repeat(126)}`]],
    ['a text of 65,536 bytes', text('x'.repeat(65_536)), [`text ${'x'.repeat(65_536)}`]],
    ['a binary message', frame(2, 'abc'), ['binary']],
    [
      'fragments',
      Buffer.concat([
        text('he', { isFinal: false }),
        continuation('', { isFinal: false }),
        continuation('llo'),
      ]),
      ['text hello'],
    ],
    [
      'a character cut in two by fragments',
      Buffer.concat([
        frame(1, Buffer.from('é').subarray(0, 1), { isFinal: false }),
        frame(0, Buffer.from('é').subarray(1)),
      ]),
      ['text é'],
    ],
    [
      'a ping between fragments',
      Buffer.concat([text('he', { isFinal: false }), frame(9, 'p'), continuation('llo')]),
      ['ping p', 'text hello'],
    ],
    ['a pong that nobody asked for', Buffer.concat([frame(10, 'x'), text('a')]), ['text a']],
    ['a close without a code', frame(8, ''), ['closed null']],
    ['a close with code and reason', closing(1000, 'bye'), ['closed 1000']],
    ['a close with a code of an application', closing(4999), ['closed 4999']],
    ['nothing after a close', Buffer.concat([frame(8, ''), text('late')]), ['closed null']],
  ];

  test.each(rows)('WS-1: %s, whole and byte by byte', (_name, bytes, expected) => {
    expect(readAll([bytes])).toEqual(expected);
    expect(readAll(everyByte(bytes))).toEqual(expected);
  });

  test('WS-1: any messages, in any fragments, with pings between, in any chunks, arrive as they were', () => {
    const message = fc.tuple(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.array(fc.nat(300), { maxLength: 4 }),
      fc.boolean(),
    );
    const property = fc.property(
      fc.array(message, { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 20 }),
      (messages, sizes) => {
        const bytes = Buffer.concat(
          messages.flatMap(([one, cuts, hasPing]) => fragments(one, cuts, hasPing)),
        );
        const told = readAll(chunksOf(bytes, sizes)).filter((line) => !line.startsWith('ping'));
        expect(told).toEqual(messages.map(([one]) => `text ${Buffer.from(one).toString()}`));
      },
    );
    fc.assert(property, { numRuns: 300 });
  });

  function fragments(message: string, cuts: readonly number[], hasPing: boolean): Buffer[] {
    const payload = Buffer.from(message);
    const ends = [
      ...cuts.filter((cut) => cut < payload.length).sort((a, b) => a - b),
      payload.length,
    ];
    let from = 0;
    return ends.flatMap((end, index) => {
      const isFinal = index === ends.length - 1;
      const part = frame(index === 0 ? 1 : 0, payload.subarray(from, end), { isFinal });
      from = end;
      return hasPing ? [part, frame(9, 'p')] : [part];
    });
  }

  function chunksOf(bytes: Buffer, sizes: readonly number[]): Buffer[] {
    const chunks: Buffer[] = [];
    for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
      const size = sizes[turn % sizes.length] ?? 1;
      chunks.push(bytes.subarray(at, at + size));
      at += size;
    }
    return chunks;
  }
});

describe('what may not', () => {
  const malformed = ['failed protocol/malformed'];
  const rows: readonly [name: string, Buffer, readonly string[]][] = [
    ['a frame without a mask', text('a', { isMasked: false }), malformed],
    ['a reserved bit', text('a', { reserved: 4 }), malformed],
    ['an opcode that there is not', frame(3, 'a'), malformed],
    ['a control opcode that there is not', frame(11, 'a'), malformed],
    ['a control frame in fragments', frame(9, 'a', { isFinal: false }), malformed],
    ['a control frame over 125 bytes', frame(9, 'x'.repeat(126)), malformed],
    ['a continuation of nothing', continuation('a'), malformed],
    [
      'a message inside another',
      Buffer.concat([text('a', { isFinal: false }), text('b')]),
      malformed,
    ],
    ['half a close code', frame(8, 'a'), malformed],
    ['a close code that is never sent', closing(1005), malformed],
    ['a close code that nobody gave a meaning', closing(2000), malformed],
    ['a close code past the range', closing(5000), malformed],
    ['a close reason that is no UTF-8', frame(8, Buffer.from([3, 232, 0xff])), malformed],
    ['a text that is no UTF-8', frame(1, Buffer.from([0xc3, 0x28])), malformed],
    ['nothing after a violation', Buffer.concat([frame(3, 'a'), text('late')]), malformed],
  ];

  test.each(rows)('LINK-2: %s, whole and byte by byte', (_name, bytes, expected) => {
    expect(readAll([bytes])).toEqual(expected);
    expect(readAll(everyByte(bytes))).toEqual(expected);
  });

  test('LIM-1: a frame over the limit is refused by its header alone', () => {
    for (const length of [65_537, 2 ** 31, 2 ** 62]) {
      const header = text('', { length }).subarray(0, 14);
      expect(readAll([header])).toEqual(['failed limit/frame-size']);
    }
  });

  test('LIM-1: fragments count together', () => {
    const half = 'x'.repeat(600);
    const bytes = [text(half, { isFinal: false }), continuation(half, { isFinal: false })];
    expect(readAll(bytes, 1_000)).toEqual(['failed limit/frame-size']);
  });

  test('LIM-1: a header that promises a whole frame costs no memory until its bytes arrive', () => {
    const header = text('', { length: 65_000 }).subarray(0, 8);
    const receiver: WsReceiver = {
      text: () => undefined,
      binary: () => undefined,
      ping: () => undefined,
      closed: () => undefined,
      failed: () => undefined,
    };
    const readers = Array.from({ length: 1_000 }, () => new WsReader(65_536));
    const before = process.memoryUsage().arrayBuffers;
    for (const reader of readers) reader.push(Buffer.from(header), receiver);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(3_000_000);
  });
});

test('LINK-2: no bytes make it throw, or tell anything after the end', () => {
  const property = fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), (chunks) => {
    const told = readAll(chunks.map((chunk) => Buffer.from(chunk)));
    const end = told.findIndex((line) => line.startsWith('closed') || line.startsWith('failed'));
    expect(end === -1 || end === told.length - 1).toBe(true);
  });
  fc.assert(property, { numRuns: 2_000 });
});

import { expect, test } from 'vitest';
import { createHttpReader, type Segment } from './proxy/http-reader.ts';
import { createWsFramer } from './proxy/ws-frames.ts';

/** What a reader makes of a text that arrives in reads of `size` bytes. */
function read(text: string, size: number): Segment[] {
  const reader = createHttpReader(() => 'by-headers');
  const bytes = Buffer.from(text, 'latin1');
  const segments: Segment[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    reader.push(bytes.subarray(at, at + size));
    for (let next = reader.next(); next; next = reader.next()) segments.push(next);
  }
  return segments;
}

const outline = (segments: Segment[]): string =>
  segments
    .map((each) => {
      if (each.kind === 'head') return `${each.head.start[0]} ${each.head.start[1]}`;
      if (each.kind === 'body') return each.endsFrame ? '|' : '';
      return each.kind;
    })
    .join(' ')
    .replaceAll(/ +/g, ' ');

const bytesOf = (segments: Segment[]): string =>
  segments.map((each) => (each.kind === 'end' ? '' : each.bytes.toString('latin1'))).join('');

const requests = [
  'GET /a HTTP/1.1\r\nHost: x\r\n\r\n',
  'POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nT: 1\r\n\r\n',
  'DELETE /c HTTP/1.1\r\nContent-Length: 0\r\n\r\n',
].join('');

test('requests on one connection are told apart at every read boundary, and no byte changes', () => {
  for (let size = 1; size <= requests.length; size += 1) {
    const segments = read(requests, size);
    expect(bytesOf(segments)).toBe(requests);
    expect(outline(segments)).toBe('GET /a end POST /b | | end DELETE /c end');
  }
});

test('a body by length ends where its length says', () => {
  const text = 'POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\n\r\n';
  for (let size = 1; size <= text.length; size += 1) {
    const segments = read(text, size);
    expect(bytesOf(segments)).toBe(text);
    expect(outline(segments).replaceAll('| ', '')).toBe('POST /a end GET /b end');
  }
});

test('what is no HTTP is handed on as rubbish', () => {
  expect(read('\x16\x03\x01 hello\r\n\r\n more', 1000)).toMatchObject([{ kind: 'rubbish' }]);
});

test('frame ends are found for all three length forms, masked or not, at every read boundary', () => {
  const sizes = [0, 5, 125, 126, 300, 65_536];
  for (const mask of [false, true]) {
    const frames = sizes.map((size) => frameOf(Buffer.alloc(size, 'x'), mask));
    const all = Buffer.concat(frames);
    for (const step of [1, 2, 3, 7, 1000, all.length]) {
      const split = createWsFramer();
      const lengths: number[] = [];
      let length = 0;
      for (let at = 0; at < all.length; at += step) {
        for (const piece of split(all.subarray(at, at + step))) {
          length += piece.bytes.length;
          if (!piece.endsFrame) continue;
          lengths.push(length);
          length = 0;
        }
      }
      expect(lengths).toEqual(frames.map((frame) => frame.length));
    }
  }
});

function frameOf(payload: Buffer, isMasked: boolean): Buffer {
  const maskBit = isMasked ? 0x80 : 0;
  const size = payload.length;
  const head =
    size < 126
      ? Buffer.of(0x82, maskBit | size)
      : size < 65_536
        ? Buffer.of(0x82, maskBit | 126, size >> 8, size & 0xff)
        : Buffer.concat([Buffer.of(0x82, maskBit | 127, 0, 0, 0, 0), uint32(size)]);
  return Buffer.concat([head, isMasked ? Buffer.of(1, 2, 3, 4) : Buffer.alloc(0), payload]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

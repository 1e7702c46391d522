// Event streams for the differential test, as fast-check arbitraries: any bytes that could pass for one, and those that
// our encoder makes, with what they mean. And the ways to cut them.

import { encodeSse, encodeSseComment, type SseBlock } from '@millrace/protocol/wire';
import fc from 'fast-check';
import { type Chunks, listenedTypes, type Told } from './sse-differential.ts';

const types = fc.constantFrom(...listenedTypes, 'not listened to', '');
const oneLine = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '  x',
    ':',
    ': :',
    'x',
    '\ufeff',
    '\u2028',
    '\u0085',
    '\v\f',
    '😀',
    'é',
    '\u0000',
    '7',
  ),
  fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.replace(/[\r\n]/g, '')),
);
const lineEnd = fc.constantFrom('\n', '\n', '\r', '\r\n');
const field = fc.oneof(
  { weight: 6, arbitrary: fc.constant('data') },
  { weight: 2, arbitrary: fc.constantFrom('event', 'id') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      'retry',
      ' data',
      'DATA',
      'data ',
      'new',
      '\ufeffdata',
      'ev\u0000ent',
    ),
  },
);
const line = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(field, fc.constantFrom(':', ': ', ':  ', ''), oneLine)
      .map(([name, colon, value]) => (colon === '' ? name : name + colon + value)),
  },
  { weight: 2, arbitrary: types.map((type) => `event: ${type}`) },
  { weight: 4, arbitrary: fc.constant('') },
);

/** Bytes that are no character, as a proxy or a bad encoder may leave them. */
const brokenBytes = fc
  .constantFrom('ff', 'c3', 'e282', 'f09f98', 'eda080', 'c0af')
  .map((hex) => Buffer.from(hex, 'hex'));

const anyBytes: fc.Arbitrary<Buffer> = fc
  .tuple(
    // One mark only: Node's TextDecoder takes two away when the first one came in two reads.
    fc.constantFrom('', '', '', '\ufeff'),
    fc.array(
      fc.oneof(
        {
          weight: 9,
          arbitrary: fc.tuple(line, lineEnd).map(([text, end]) => Buffer.from(text + end)),
        },
        { weight: 1, arbitrary: brokenBytes },
      ),
      { maxLength: 14 },
    ),
    fc.constantFrom('', '\n', '\n\n', '\r\r', '\r', 'data: unfinished', '\ndata: x\n'),
  )
  .map(([mark, lines, tail]) => {
    const rest = Buffer.concat([...lines, Buffer.from(tail)]);
    // Chromium takes a line end right after the mark for a part of the first line; the standard doesn't, nor do we.
    // Our encoder writes no mark.
    const isLineEnd = rest[0] === 0x0a || rest[0] === 0x0d;
    return isLineEnd ? rest : Buffer.concat([Buffer.from(mark), rest]);
  });

/** All in one, every byte alone, or cut anywhere, also within a character and a CRLF. */
function cut(
  bytes: Buffer,
  [how, places]: readonly ['whole' | 'bytes' | 'places', readonly number[]],
): Chunks {
  if (how === 'whole') return [bytes];
  if (how === 'bytes') return Array.from(bytes, (byte) => Uint8Array.of(byte));
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted(
    (a, b) => a - b,
  );
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length));
}

const way = fc.tuple(
  fc.constantFrom('whole' as const, 'bytes' as const, 'places' as const),
  fc.array(fc.nat(400), { maxLength: 6 }),
);

export const anyStream: fc.Arbitrary<Chunks> = fc
  .tuple(anyBytes, way)
  .map(([bytes, how]) => cut(bytes, how));

export interface EncodedStream {
  readonly chunks: Chunks;
  readonly means: readonly Told[];
}

const block: fc.Arbitrary<SseBlock | string> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record(
      {
        event: fc.constantFrom(...listenedTypes),
        id: fc.constantFrom('', 'e.0', 'e.7', 'abc-_.123', 'é 😀', ':', '0'),
        retryMs: fc.constantFrom(0, 1_000, 2.4),
        data: fc.oneof(
          fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.toWellFormed()),
          fc.constantFrom(
            '',
            '\n',
            '\r',
            '\r\n',
            '\n\n',
            'a\rb\r\nc\nd',
            ' a',
            ': x',
            'id: 7\ndata',
            '\u0000',
            '{"x":"\\r\\n"}',
          ),
        ),
      },
      { requiredKeys: [] },
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom('heartbeat', '', ' x') },
);

/** What the hub may write, and the messages it stands for by the standard. */
export const encodedStream: fc.Arbitrary<EncodedStream> = fc
  .tuple(fc.array(block, { maxLength: 8 }), way)
  .map(([blocks, how]) => {
    const means: Told[] = [];
    let id = '';
    for (const one of blocks) {
      if (typeof one === 'string') continue;
      id = one.id ?? id;
      if (one.data === undefined) continue;
      means.push([one.event ?? 'message', id, one.data.replaceAll(/\r\n|\r/g, '\n')]);
    }
    const text = blocks.map((one) =>
      typeof one === 'string' ? encodeSseComment(one) : encodeSse(one),
    );
    return { chunks: cut(Buffer.from(text.join('')), how), means };
  });

/**
 * Where our reader's ids are known not to be the standard's: one that came in a block without data, and one with a NUL
 * after another. The client's frames have no ids (SSE-1), and only a native EventSource reads those that do.
 */
export function hasUnreadIds(chunks: Chunks): boolean {
  let hasId = false;
  let hasData = false;
  for (const text of new TextDecoder().decode(Buffer.concat(chunks)).split(/\r\n|\r|\n/)) {
    const [name] = text.split(':', 1);
    if (name === 'id' && text.includes('\0')) return true;
    if (text === '' && hasId && !hasData) return true;
    hasId = text !== '' && (hasId || name === 'id');
    hasData = text !== '' && (hasData || name === 'data');
  }
  return false;
}

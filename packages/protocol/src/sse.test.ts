// The SSE encoder against the reader of the standard.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeSse, encodeSseComment } from './sse.ts';

interface Message {
  readonly event: string;
  readonly id: string;
  readonly data: string;
}

/** The reader of the HTML standard, §9.2.6, step by step as it stands there, over one whole text. */
function readAll(text: string): Message[] {
  const messages: Message[] = [];
  let data = '';
  let event = '';
  let id = '';
  // What follows the last line end is an unfinished line, which the standard discards.
  for (const line of text.split(/\r\n|\r|\n/).slice(0, -1)) {
    if (line === '') {
      if (data !== '') messages.push({ event, id, data: data.slice(0, -1) });
      data = '';
      event = '';
      continue;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data += `${value}\n`;
    else if (field === 'event') event = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
  }
  return messages;
}

test('SSE-2: whatever the data holds, a reader gets one message with it, and no field of its making', () => {
  const line = fc.constantFrom(
    'id: 7',
    'event: x',
    'data: y',
    ':',
    '',
    'retry: 1',
    '\u2028',
    ' a',
    '\u0000',
  );
  const data = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .tuple(fc.array(line), fc.constantFrom('\n', '\r', '\r\n'))
      .map(([lines, end]) => lines.join(end)),
  );
  fc.assert(
    fc.property(data, (text) => {
      const messages = readAll(encodeSse({ id: 'a.1', data: text }) + encodeSse({ data: 'next' }));
      expect(messages).toHaveLength(2);
      expect(messages[0]).toEqual({
        event: '',
        id: 'a.1',
        data: text.replaceAll(/\r\n|\r/g, '\n'),
      });
      expect(messages[1]?.data).toBe('next');
    }),
  );
});

test.each(['a\nb', 'a\rb', 'a\u0000b', '\n'])(
  'SSE-2: %j cannot stand in a one-line field',
  (text) => {
    for (const encode of [
      () => encodeSse({ id: text }),
      () => encodeSse({ event: text }),
      () => encodeSseComment(text),
    ]) {
      expect(encode).toThrowError(expect.objectContaining({ code: 'protocol/malformed' }));
    }
  },
);

test('SSE-2: a block without data dispatches nothing', () => {
  expect(readAll(encodeSse({ id: 'a.1' }) + encodeSseComment('heartbeat'))).toEqual([]);
  expect(encodeSse({ event: 'gap', id: 'a.1', retryMs: 5, data: '{}' })).toBe(
    'event: gap\nid: a.1\nretry: 5\ndata: {}\n\n',
  );
});

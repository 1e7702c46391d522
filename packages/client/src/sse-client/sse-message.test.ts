import { describe, expect, test } from 'vitest';
import { parseSSEMessage } from './sse-message.ts';

describe('parseSSEMessage', () => {
  test.each([
    ['data: a', { event: 'message', data: 'a', id: null }],
    [
      'event: token\r\nid: 4\r\ndata: a\r\ndata: b\r\n\r\n',
      { event: 'token', data: 'a\nb', id: '4' },
    ],
    ['data', { event: 'message', data: '', id: null }],
    ['data:no space\n\ndata: second\n\n', { event: 'message', data: 'no space', id: null }],
    ['\uFEFFdata: marked', { event: 'message', data: 'marked', id: null }],
  ])('reads %j', (text, message) => {
    expect(parseSSEMessage(text)).toEqual(message);
  });

  test.each(['', ': heartbeat\n\n', 'event: nothing\n\n', 'id: 4\n\n', 'nonsense: x'])(
    'finds no message in %j',
    (text) => {
      expect(parseSSEMessage(text)).toBeNull();
    },
  );
});

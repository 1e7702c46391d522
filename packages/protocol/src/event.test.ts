// An event's text: made once, and the same to every reader.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeEvent, encodeEventBody, parseEvent } from './event.ts';
import { toOffset } from './offset.ts';
import { encodeEventsFrame, parseServerFrame } from './server-frames.ts';
import { encodeSse } from './sse.ts';

const at = '2026-01-02T03:04:05.678Z';

test('EVT-2: the text is made of what the publisher gave and what the log assigned', () => {
  const body = encodeEventBody({ type: 'said', data: { text: 'a' }, id: 'mine' });
  expect(encodeEvent(toOffset(7), at, body)).toBe(
    '{"offset":7,"at":"2026-01-02T03:04:05.678Z","id":"mine","type":"said","data":{"text":"a"}}',
  );
});

test('EVT-2: a frame of events holds their texts as they are', () => {
  const texts = [1, 2].map((offset) =>
    encodeEvent(toOffset(offset), at, encodeEventBody({ type: 'said', data: 1.0 })),
  );
  expect(encodeEventsFrame('a', texts)).toContain(texts.join(','));
});

test('EVT-3: any data with a JSON form survives encoding, frame and SSE block', () => {
  fc.assert(
    fc.property(fc.json(), fc.string({ unit: 'binary' }), (json, id) => {
      const data: unknown = JSON.parse(json);
      const event = encodeEvent(toOffset(1), at, encodeEventBody({ type: 'said', data, id }));
      const frame = encodeEventsFrame('a', [event]);
      expect(frame).not.toMatch(/[\r\n]/);
      const block = encodeSse({ data: frame });
      expect(block).toBe(`data: ${frame}\n\n`);
      const bytes = new TextDecoder().decode(new TextEncoder().encode(frame));
      const parsed = parseServerFrame(bytes);
      expect(parsed).toEqual({
        type: 'events',
        channel: 'a',
        events: [{ offset: 1, at, type: 'said', data, id }],
      });
    }),
  );
});

test('EVT-3: lone surrogates travel as escapes, so that UTF-8 does not lose them', () => {
  const body = encodeEventBody({ type: 'said', data: 'a\ud83d\u2028' });
  expect(body).toBe('"type":"said","data":"a\\ud83d\u2028"');
});

test.each([
  ['undefined', undefined],
  ['a function', () => 1],
  ['a bigint', 1n],
  ['an infinity', JSON.parse('1e999')],
  ['no number, deep inside', { list: [1, { worth: Number.NaN }] }],
])('CHAN-4: data that is %s has no JSON form', (_name, data) => {
  expect(() => encodeEventBody({ type: 'said', data })).toThrowError(
    expect.objectContaining({ code: 'contract/invalid-event' }),
  );
});

test('CHAN-4: a cycle has none either', () => {
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  expect(() => encodeEventBody({ type: 'said', data: cycle })).toThrowError(
    expect.objectContaining({ code: 'contract/invalid-event' }),
  );
});

test.each([
  null,
  {},
  { offset: 0, type: 'a', at, data: 1 },
  { offset: 1, type: 'a', at },
  { offset: 1, type: 7, at, data: 1 },
  { offset: 1, type: 'a', at, data: 1, id: 7 },
])('LINK-2: %j is no event', (value) => {
  expect(() => parseEvent(value)).toThrowError(
    expect.objectContaining({ code: 'protocol/malformed' }),
  );
});

// Frames in both directions: round trips of everything valid, refusal of everything else.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ClientFrame,
  encodeClientFrame,
  parseClientFrame,
  type Start,
} from './client-frames.ts';
import { encodeCursor } from './cursor.ts';
import { MillraceError } from './errors.ts';
import { MAX_JSON_DEPTH, parseJson } from './json.ts';
import { toOffset } from './offset.ts';
import {
  encodeServerFrame,
  parseServerFrame,
  parseServerFrames,
  type ServerFrame,
} from './server-frames.ts';

const offset = fc.maxSafeNat().map(toOffset);
const cursor = fc.record({ epoch: fc.stringMatching(/^[A-Za-z0-9_-]{1,32}$/), offset });
const channel = fc.stringMatching(/^[a-z][a-z0-9_]{0,10}(:[a-z0-9]{1,10})?$/);
const session = fc.stringMatching(/^[A-Za-z0-9_-]{22}$/);
const whole = fc.nat();
const start: fc.Arbitrary<Start> = fc.oneof(
  cursor,
  fc.constantFrom('now' as const, 'start' as const),
  fc.record({ last: whole }),
);
const items = fc.array(fc.record({ channel, start, version: fc.integer({ min: 1, max: 99 }) }), {
  maxLength: 4,
});
const json = fc.json().map((text): unknown => JSON.parse(text));

const presenceItems = fc.array(
  fc.record(
    {
      channel,
      watch: fc.constant(true),
      have: fc.string(),
      data: json,
      leave: fc.constant(true),
      ephemeral: fc.constant(true),
    },
    { requiredKeys: ['channel'] },
  ),
  { maxLength: 3 },
);

const clientFrame: fc.Arbitrary<ClientFrame> = fc.oneof(
  fc.record(
    {
      type: fc.constant('connect' as const),
      protocol: fc.constant(1),
      session,
      link: whole,
      token: fc.string(),
      beatMs: whole,
      holdMs: whole,
      channels: items,
      presence: presenceItems,
    },
    { requiredKeys: ['type', 'protocol', 'session', 'link', 'channels'] },
  ),
  fc.record({ type: fc.constant('presence' as const), channels: presenceItems }),
  fc.record({
    type: fc.constant('ephemeral' as const),
    channel,
    event: fc.record({ type: fc.string({ minLength: 1 }), data: json }),
  }),
  fc.record({ type: fc.constant('subscribe' as const), channels: items }),
  fc.record({ type: fc.constant('unsubscribe' as const), channels: fc.array(channel) }),
  fc.record({
    type: fc.constant('publish' as const),
    id: whole,
    events: fc.array(
      fc.record(
        {
          channel,
          event: fc.record(
            { type: fc.string({ minLength: 1 }), data: json, id: fc.string() },
            { requiredKeys: ['type', 'data'] },
          ),
          key: fc.string(),
          producer: fc.record({ id: fc.string({ minLength: 1 }), epoch: whole, sequence: whole }),
          expect: fc.oneof(fc.constant('empty'), cursor.map(encodeCursor)),
        },
        { requiredKeys: ['channel', 'event'] },
      ),
      { maxLength: 3 },
    ),
  }),
  fc.record({ type: fc.constant('token' as const), token: fc.string({ minLength: 1 }) }),
  fc.constant({ type: 'probe' as const }),
);

const error = fc
  .string()
  .map((message) => new MillraceError('limit/channels', message, { details: { limit: 1 } }));
const serverFrame: fc.Arbitrary<ServerFrame> = fc.oneof(
  fc.record({
    type: fc.constant('hello' as const),
    protocol: whole,
    at: whole,
    beatMs: whole,
    identity: fc.option(fc.string()),
  }),
  fc.record({
    type: fc.constant('verdict' as const),
    channel,
    verdict: fc.constant('exact' as const),
    cursor,
  }),
  fc.record({
    type: fc.constant('verdict' as const),
    channel,
    verdict: fc.constant('snapshot' as const),
    cursor,
    version: whole,
    state: json,
  }),
  fc.record({
    type: fc.constant('verdict' as const),
    channel,
    verdict: fc.constant('gap' as const),
    cursor,
    from: fc.option(offset),
    to: fc.option(offset),
    reason: fc.constantFrom('trimmed' as const, 'restarted' as const, 'rolled-back' as const),
  }),
  fc.record({ type: fc.constant('beat' as const), at: whole }),
  fc.record({ type: fc.constant('end' as const), channel, cursor }),
  fc.record({ type: fc.constant('goaway' as const), afterMs: whole, spreadMs: whole }),
  fc.record({
    type: fc.constant('published' as const),
    id: whole,
    results: fc.array(fc.record({ cursor })),
  }),
);
const failing: fc.Arbitrary<ServerFrame> = fc.oneof(
  fc.record({
    type: fc.constant('verdict' as const),
    channel,
    verdict: fc.constantFrom('denied' as const, 'unknown' as const),
    error,
  }),
  fc.record({ type: fc.constant('error' as const), id: whole, error }),
  fc.record({ type: fc.constant('error' as const), error }),
);

describe('round trips', () => {
  test('LINK-1: every frame of a client', () => {
    fc.assert(
      fc.property(clientFrame, (frame) => {
        // JSON has no −0: what comes back is what its text says.
        const sent: unknown = JSON.parse(JSON.stringify(frame));
        expect(JSON.parse(JSON.stringify(parseClientFrame(encodeClientFrame(frame))))).toEqual(
          sent,
        );
      }),
    );
  });

  test('SUB-2: every frame of a server', () => {
    fc.assert(
      fc.property(serverFrame, (frame) => {
        const text = encodeServerFrame(frame);
        const back = parseServerFrame(text);
        expect(encodeServerFrame(back)).toBe(text);
        expect(parseServerFrames([JSON.parse(text)])).toEqual([back]);
      }),
    );
  });

  test('ERR-1: frames that carry an error', () => {
    fc.assert(
      fc.property(failing, (frame) => {
        const back = parseServerFrame(encodeServerFrame(frame));
        expect(back).toMatchObject({ type: frame.type, error: { code: 'limit/channels' } });
      }),
    );
  });

  test('SUB-1: a subscription that names nothing begins now, with version 1', () => {
    expect(parseClientFrame('{"type":"subscribe","channels":[{"channel":"a"}]}')).toEqual({
      type: 'subscribe',
      channels: [{ channel: 'a', start: 'now', version: 1 }],
    });
  });
});

describe('rubbish', () => {
  test('LINK-2: a frame of an unknown type is skipped, on both sides', () => {
    expect(parseClientFrame('{"type":"new","x":[1]}')).toBeNull();
    const other = { type: 'other', frame: { type: 'new', x: [1] } };
    expect(parseServerFrame('{"type":"new","x":[1]}')).toEqual(other);
    expect(parseServerFrames([other.frame])).toEqual([other]);
  });

  test('LINK-2: unknown fields are skipped', () => {
    expect(parseClientFrame('{"type":"probe","new":1,"__proto__":{"x":1}}')).toEqual({
      type: 'probe',
    });
  });

  test('LINK-2: no text makes a parser throw anything but a code of ours', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc
        .tuple(
          fc.constantFrom('connect', 'subscribe', 'publish', 'verdict', 'events', 'published'),
          fc.json(),
        )
        .map(
          ([type, value]) =>
            `{"type":"${type}","channels":${value},"events":${value},"verdict":${value},"id":1,"channel":"a"}`,
        ),
      fc.tuple(clientFrame, fc.nat(), fc.string({ maxLength: 3 })).map(([frame, at, noise]) => {
        const whole = encodeClientFrame(frame);
        const place = at % whole.length;
        return whole.slice(0, place) + noise + whole.slice(place + 1);
      }),
    );
    fc.assert(
      fc.property(text, (input) => {
        for (const parse of [parseClientFrame, parseServerFrame]) {
          const thrown = thrownBy(() => parse(input));
          expect(thrown === null || thrown instanceof MillraceError).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['no type', '{}'],
    ['a list', '[]'],
    ['null', 'null'],
    ['a type that is no text', '{"type":7}'],
    ['no session', '{"type":"connect","protocol":1,"link":1,"channels":[]}'],
    ['a short session', '{"type":"connect","protocol":1,"link":1,"session":"abc","channels":[]}'],
    [
      'a link that is no number',
      `{"type":"connect","protocol":1,"link":"1","session":"${'a'.repeat(22)}","channels":[]}`,
    ],
    [
      'half a link',
      `{"type":"connect","protocol":1,"link":1.5,"session":"${'a'.repeat(22)}","channels":[]}`,
    ],
    ['channels that are no list', '{"type":"subscribe","channels":{}}'],
    ['a negative last', '{"type":"subscribe","channels":[{"channel":"a","from":{"last":-1}}]}'],
    ['a start of words', '{"type":"subscribe","channels":[{"channel":"a","from":"yesterday"}]}'],
    ['a publish without id', '{"type":"publish","events":[]}'],
    ['an event without type', '{"type":"publish","id":1,"events":[{"channel":"a","event":{}}]}'],
    [
      'a producer without a sequence',
      '{"type":"publish","id":1,"events":[{"channel":"a","event":{"type":"b"},"producer":{"id":"p","epoch":1}}]}',
    ],
    [
      'a producer whose epoch is no whole number',
      '{"type":"publish","id":1,"events":[{"channel":"a","event":{"type":"b"},"producer":{"id":"p","epoch":-1,"sequence":1}}]}',
    ],
    [
      'an expectation that is no text',
      '{"type":"publish","id":1,"events":[{"channel":"a","event":{"type":"b"},"expect":0}]}',
    ],
    ['an empty token', '{"type":"token","token":""}'],
  ])('LINK-2: %s is malformed', (_name, text) => {
    expect(() => parseClientFrame(text)).toThrowError(
      expect.objectContaining({ code: 'protocol/malformed' }),
    );
  });

  test('PUB-7: an expectation is a cursor or `empty`', () => {
    const expecting = (text: string): string => {
      const item = { channel: 'a', event: { type: 'b' }, expect: text };
      return JSON.stringify({ type: 'publish', id: 1, events: [item] });
    };
    expect(() => parseClientFrame(expecting('7'))).toThrowError(
      expect.objectContaining({ code: 'cursor/malformed' }),
    );
    expect(parseClientFrame(expecting('empty'))).toMatchObject({ events: [{ expect: 'empty' }] });
  });

  test('LINK-2: what cannot be read is not quoted: it may hold a token', () => {
    const thrown = thrownBy(() => parseClientFrame('{"type":"connect","token":"secret"'));
    expect(String(thrown)).not.toContain('secret');
  });

  test('LINK-1: another version of the protocol has its own code', () => {
    expect(() => parseClientFrame('{"type":"connect","protocol":2}')).toThrowError(
      expect.objectContaining({ code: 'protocol/version' }),
    );
  });

  test('LIM-2: 64 levels are read, one more is refused, a hundred thousand do not end the stack', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect(parseJson(nested(MAX_JSON_DEPTH))).toBeInstanceOf(Array);
    for (const depth of [MAX_JSON_DEPTH + 1, 100_000]) {
      expect(() => parseJson(nested(depth))).toThrowError(
        expect.objectContaining({ code: 'protocol/malformed' }),
      );
    }
    expect(parseJson(JSON.stringify('['.repeat(100)))).toBe('['.repeat(100));
    expect(parseJson('"\\"[[[["')).toBe('"[[[[');
  });
});

function thrownBy(run: () => unknown): unknown {
  try {
    run();
    return null;
  } catch (thrown) {
    return thrown;
  }
}

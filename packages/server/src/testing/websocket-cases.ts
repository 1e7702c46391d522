// What RFC 6455 asks of a server's reading side, as data: bytes in, answers out, in the words of raw-websocket.ts.
// No test runner is imported. A runner writes each case whole, in two parts at every byte, and byte by byte.
// An answer `A|B` leaves the choice: between the standard's close code and the error's own (LINK-7), say. The error
// frame before it is asked for either way.

import { closePayload, encodeFrame, type FrameParts, OPCODE } from './raw-websocket.ts';

export interface WebSocketCase {
  readonly rule: string;
  readonly title: string;
  /** `first`: right after the upgrade; `later`: also on a link that stands. */
  readonly when: 'first' | 'later';
  /** @param connect the text of a `connect`, in ASCII */
  bytes(connect: string): Buffer;
  readonly answers: readonly string[];
}

const { text, binary, continuation, close, ping, pong } = OPCODE;
const frame = (opcode: number, payload: FrameParts['payload'], rest: Partial<FrameParts> = {}) =>
  encodeFrame({ opcode, payload: payload ?? '', ...rest });
const part = (opcode: number, payload: FrameParts['payload']) =>
  frame(opcode, payload, { fin: false });
const hex = (digits: string): Buffer => Buffer.from(digits, 'hex');

const probe = frame(text, '{"type":"probe"}');
const malformed = ['error protocol/malformed', 'close 4400'];
const breach = ['error protocol/malformed', 'close 1002|close 4400'];
const noUtf8 = ['error protocol/malformed', 'close 1007|close 4400'];
const tooLong = ['error limit/frame-size', 'close 1009|close 4409'];

type Opening = (connect: string) => readonly Buffer[];

function first(rule: string, title: string, opening: Opening, answers: string[]): WebSocketCase {
  return {
    rule,
    title,
    when: 'first',
    bytes: (connect) => Buffer.concat(opening(connect)),
    answers,
  };
}

function later(rule: string, title: string, bytes: Buffer[], answers: string[]): WebSocketCase {
  return { ...first(rule, title, () => bytes, answers), when: 'later' };
}

const openings: readonly WebSocketCase[] = [
  first('WS-1', 'a message in one frame', (connect) => [frame(text, connect)], ['hello']),
  first(
    'WS-1',
    'a message in three frames, one of them empty',
    (connect) => [
      part(text, connect.slice(0, 20)),
      part(continuation, ''),
      frame(continuation, connect.slice(20)),
    ],
    ['hello'],
  ),
  first(
    'WS-1',
    'a message whose frames are all empty but the last',
    (connect) => [part(text, ''), part(continuation, ''), frame(continuation, connect)],
    ['hello'],
  ),
  first(
    'WS-1',
    'a message that is cut within a character',
    (connect) => {
      const bytes = Buffer.from(`${connect.slice(0, -1)},"new":"é€😀"}`);
      const at = bytes.indexOf(Buffer.from('€')) + 1;
      return [
        part(text, bytes.subarray(0, at)),
        part(continuation, bytes.subarray(at, at + 1)),
        frame(continuation, bytes.subarray(at + 1)),
      ];
    },
    ['hello'],
  ),
  first(
    'WS-1',
    'pings between the frames of a message are answered at once',
    (connect) => [
      part(text, connect.slice(0, 9)),
      frame(ping, 'one'),
      frame(ping, 'two'),
      frame(continuation, connect.slice(9)),
    ],
    ['pong 6f6e65', 'pong 74776f', 'hello'],
  ),
  first(
    'WS-1',
    'masks of zeros, and of ones',
    (connect) => [
      part(text, connect.slice(0, 7)),
      frame(continuation, connect.slice(7), { mask: [0, 0, 0, 0] }),
      frame(text, '{"type":"probe"}', { mask: [255, 255, 255, 255] }),
    ],
    ['hello', 'beat'],
  ),
  first(
    'WS-1',
    'many messages in one write are taken in their order',
    (connect) => [frame(text, connect), ...Array.from({ length: 20 }, () => probe)],
    ['hello', ...Array.from({ length: 20 }, () => 'beat')],
  ),
];

const controls: readonly WebSocketCase[] = [
  later('WS-1', 'a ping is answered with its payload', [frame(ping, 'hello')], ['pong 68656c6c6f']),
  later('WS-1', 'a ping of nothing is answered with nothing', [frame(ping, '')], ['pong ']),
  later(
    'WS-1',
    'a ping of 125 bytes is answered',
    [frame(ping, 'x'.repeat(125))],
    [`pong ${'78'.repeat(125)}`],
  ),
  later(
    'WS-1',
    'a pong that nobody asked for is no news',
    [frame(pong, 'x'), frame(ping, '1')],
    ['pong 31'],
  ),
  later(
    'WS-1',
    'a close is answered with its code',
    [frame(close, closePayload(1000))],
    ['close 1000'],
  ),
  later(
    'WS-1',
    'a close without a code is answered',
    [frame(close, '')],
    ['close|close 1000|close 1005'],
  ),
  ...[1001, 1003, 1011, 3000, 4000, 4999].map((code) =>
    later(
      'WS-1',
      `a close with ${code} is answered with it`,
      [frame(close, closePayload(code, 'bye é'))],
      [`close ${code}`],
    ),
  ),
  later(
    'WS-1',
    'a close with a reason of 123 bytes is answered',
    [frame(close, closePayload(1000, 'x'.repeat(123)))],
    ['close 1000'],
  ),
  later(
    'WS-1',
    'what comes after a close is nobody’s',
    [frame(close, closePayload(1000)), probe, frame(ping, 'x')],
    ['close 1000'],
  ),
  later(
    'WS-1',
    'a close between the frames of a message is answered',
    [part(text, '{"type"'), frame(close, closePayload(1001))],
    ['close 1001'],
  ),
];

const messages: readonly WebSocketCase[] = [
  later('WS-1', 'a binary message', [frame(binary, '{"type":"probe"}')], malformed),
  later('WS-1', 'an empty text', [frame(text, '')], malformed),
  later(
    'WS-1',
    'a binary message in frames',
    [part(binary, '{"type":'), frame(continuation, '"probe"}')],
    malformed,
  ),
];

const masked = { mask: null };
const framing: readonly WebSocketCase[] = [
  later('LINK-2', 'a text without a mask', [frame(text, '{}', masked)], breach),
  later('LINK-2', 'a ping without a mask', [frame(ping, 'x', masked)], breach),
  later('LINK-2', 'a close without a mask', [frame(close, closePayload(1000), masked)], breach),
  ...[0x40, 0x20, 0x10, 0x70].flatMap((reserved) => [
    later(
      'LINK-2',
      `a text with reserved bits ${reserved}`,
      [frame(text, '{}', { reserved })],
      breach,
    ),
    later(
      'LINK-2',
      `a ping with reserved bits ${reserved}`,
      [frame(ping, '', { reserved })],
      breach,
    ),
    later(
      'LINK-2',
      `a continuation with reserved bits ${reserved}`,
      [part(text, '{'), frame(continuation, '}', { reserved })],
      breach,
    ),
  ]),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) =>
    later('LINK-2', `opcode ${opcode}`, [frame(opcode, '')], breach),
  ),
  ...[
    ['ping', ping],
    ['pong', pong],
    ['close', close],
  ].flatMap(([name, opcode]) => [
    later('LINK-2', `a ${name} in parts`, [frame(Number(opcode), '', { fin: false })], breach),
    later('LINK-2', `a ${name} of 126 bytes`, [frame(Number(opcode), 'x'.repeat(126))], breach),
    later(
      'LINK-2',
      `a ${name} that claims 2^40 bytes`,
      [frame(Number(opcode), '', { claimedLength: 2n ** 40n })],
      [
        'error protocol/malformed|error limit/frame-size',
        'close 1002|close 1009|close 4400|close 4409',
      ],
    ),
  ]),
  later('LINK-2', 'a continuation of nothing', [frame(continuation, '{}')], breach),
  later('LINK-2', 'a beginning of a continuation of nothing', [part(continuation, '{')], breach),
  later(
    'LINK-2',
    'a continuation of a message that is over',
    [frame(text, '{"type":"new"}'), frame(continuation, '')],
    breach,
  ),
  later('LINK-2', 'a text within a message', [part(text, '{'), frame(text, '}')], breach),
  later('LINK-2', 'a binary within a message', [part(text, '{'), frame(binary, '}')], breach),
  later('LINK-2', 'a close of one byte', [frame(close, 'x')], breach),
  ...[0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map((code) =>
    later('LINK-2', `a close with ${code}`, [frame(close, closePayload(code))], breach),
  ),
  later(
    'LINK-2',
    'a length with its highest bit set',
    [frame(text, '', { claimedLength: 2n ** 63n })],
    [
      'error protocol/malformed|error limit/frame-size',
      'close 1002|close 1009|close 4400|close 4409',
    ],
  ),
];

/** What no decoder may take: Markus Kuhn's kinds, and characters that end too soon. */
const NO_UTF8: readonly (readonly [string, string])[] = [
  ['a lone continuation', '80'],
  ['a start without its rest', 'c328'],
  ['two starts', 'c3c3'],
  ['three bytes, the second wrong', 'e228a1'],
  ['three bytes, the third wrong', 'e28228'],
  ['four bytes, the second wrong', 'f0288cbc'],
  ['an overlong slash in two bytes', 'c0af'],
  ['an overlong slash in three bytes', 'e080af'],
  ['an overlong slash in four bytes', 'f08080af'],
  ['a high surrogate', 'eda080'],
  ['a low surrogate', 'edbfbf'],
  ['a pair of surrogates', 'eda0bdedb880'],
  ['a point past U+10FFFF', 'f4908080'],
  ['a start that does not exist', 'ff'],
  ['five bytes', 'f888808080'],
  ['a character that ends too soon', 'e282'],
];

const utf8: readonly WebSocketCase[] = [
  ...NO_UTF8.map(([title, bytes]) =>
    later(
      'LINK-2',
      `a text with ${title}`,
      [frame(text, Buffer.concat([hex('22'), hex(bytes)]))],
      noUtf8,
    ),
  ),
  ...NO_UTF8.slice(0, 4).map(([title, bytes]) =>
    later(
      'LINK-2',
      `a message in frames with ${title}`,
      [part(text, '"'), part(continuation, hex(bytes)), frame(continuation, '"')],
      noUtf8,
    ),
  ),
  later(
    'LINK-2',
    'a character that its message ends within',
    [part(text, hex('22e2')), frame(continuation, hex('82'))],
    noUtf8,
  ),
  later(
    'LINK-2',
    'a close whose reason is no UTF-8',
    [frame(close, closePayload(1000, hex('c328')))],
    ['error protocol/malformed', 'close 1002|close 1007|close 4400'],
  ),
];

const lengths: readonly WebSocketCase[] = [
  later(
    'LIM-1',
    'a frame that claims more than the limit, before any of it has come',
    [frame(text, '', { claimedLength: 65_537n })],
    tooLong,
  ),
  later(
    'LIM-1',
    'a frame that claims 4 GiB',
    [frame(text, '', { claimedLength: 2n ** 32n })],
    tooLong,
  ),
  later(
    'LIM-1',
    'a frame that takes its message over the limit',
    [part(text, '{'), frame(continuation, '', { claimedLength: 65_536n })],
    tooLong,
  ),
  later(
    'LIM-1',
    'a binary frame over the limit',
    [frame(binary, '', { claimedLength: 65_537n })],
    tooLong,
  ),
];

export const webSocketCases: readonly WebSocketCase[] = [
  ...openings,
  ...controls,
  ...messages,
  ...framing,
  ...utf8,
  ...lengths,
];

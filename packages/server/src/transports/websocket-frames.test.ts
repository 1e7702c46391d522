// The hub's reading of WebSocket frames against RFC 6455, over real sockets. Each case is written whole, together with
// the upgrade, in two parts cut at every byte, and byte by byte; and what may come later also on a link that stands.

import { encodeClientFrame } from '@millrace/protocol/wire';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectFrame } from '../testing/memory-link.ts';
import {
  closePayload,
  encodeFrame,
  OPCODE,
  openRawWebSocket,
  type RawWebSocket,
} from '../testing/raw-websocket.ts';
import { type ServedHub, serveHub } from '../testing/transport-subject.ts';
import { waitUntil } from '../testing/waiting.ts';
import { type WebSocketCase, webSocketCases } from '../testing/websocket-cases.ts';

const AT_ONCE = 32;
let served: ServedHub;

beforeAll(async () => {
  served = await serveHub({ limits: { maxLinksPerAddress: 10_000, connectWithinMs: 60_000 } });
});

afterAll(() => served[Symbol.asyncDispose]());

const connectText = (): string => encodeClientFrame(connectFrame());

/** Long enough for the hub, which lives in this process, to have read what was written before. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Writes the parts apart from each other; says what came otherwise than in the case, empty when nothing did. */
async function run(
  one: WebSocketCase,
  cut: (bytes: Buffer) => Buffer[],
  isOpen: boolean,
): Promise<readonly string[]> {
  using socket = await openRawWebSocket(served.url);
  if (isOpen) {
    socket.write(encodeFrame({ opcode: OPCODE.text, payload: connectText() }));
    await waitUntil('hello', () => socket.answers.length > 0);
  }
  const [first = Buffer.alloc(0), ...rest] = cut(one.bytes(connectText()));
  socket.write(first);
  for (const part of rest) {
    await turns();
    socket.write(part);
  }
  return await compare(socket, [...(isOpen ? ['hello'] : []), ...one.answers]);
}

async function compare(
  socket: RawWebSocket,
  expected: readonly string[],
): Promise<readonly string[]> {
  await waitUntil(
    `${expected.join(', ')} instead of ${socket.answers.join(', ')}`,
    () => socket.answers.length >= expected.length || socket.isEnded,
  ).catch(() => undefined);
  const isEnding = expected.at(-1)?.startsWith('close') === true;
  // Either side's end is answered by the other's; then a server ends the connection (RFC 6455 §7.1.1).
  if (isEnding) socket.write(encodeFrame({ opcode: OPCODE.close, payload: closePayload(1000) }));
  else socket.write(encodeFrame({ opcode: OPCODE.ping, payload: '!' }));
  await waitUntil(`the end after ${socket.answers.join(', ')}`, () =>
    isEnding ? socket.isEnded : socket.answers.at(-1) === 'pong 21',
  );
  const all = isEnding ? expected : [...expected, 'pong 21'];
  const isAsSaid =
    socket.answers.length === all.length &&
    socket.answers.every((answer, index) => all[index]?.split('|').includes(answer));
  return isAsSaid ? [] : [`${socket.answers.join(', ')} instead of ${all.join(', ')}`];
}

const whole = (bytes: Buffer): Buffer[] => [bytes];
const single = (bytes: Buffer): Buffer[] => Array.from(bytes, (byte) => Buffer.of(byte));
const at = (place: number) => (bytes: Buffer) => [bytes.subarray(0, place), bytes.subarray(place)];

/** Every way to cut it. A long one is cut where its frames are likely to change: in its first and last bytes. */
function cuts(one: WebSocketCase): ((bytes: Buffer) => Buffer[])[] {
  const { length } = one.bytes(connectText());
  const places = Array.from({ length: length - 1 }, (_, index) => index + 1).filter(
    (place) => place <= 48 || place > length - 48,
  );
  return [whole, single, ...places.map(at)];
}

/** All problems of all jobs. */
async function runAll(
  jobs: readonly (() => Promise<readonly string[]>)[],
): Promise<readonly string[]> {
  const waiting = [...jobs];
  const problems: string[] = [];
  const worker = async (): Promise<void> => {
    for (let job = waiting.pop(); job !== undefined; job = waiting.pop()) {
      problems.push(...(await job()));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return problems;
}

for (const one of webSocketCases) {
  describe(`${one.rule}: ${one.title}`, () => {
    test('whatever the network makes of it', async () => {
      expect(await runAll(cuts(one).map((cut) => () => run(one, cut, false)))).toEqual([]);
    });

    test('in the same packet as the upgrade', async () => {
      using socket = await openRawWebSocket(served.url, one.bytes(connectText()));
      expect(await compare(socket, one.answers)).toEqual([]);
    });
  });
}

for (const one of webSocketCases.filter(({ when }) => when === 'later')) {
  test(`${one.rule}: ${one.title}, on a link that stands`, async () => {
    const ways = [whole, single].map((cut) => () => run(one, cut, true));
    expect(await runAll(ways)).toEqual([]);
  });
}

test('LIM-1: a message of exactly the limit is taken, in one frame or in many', async () => {
  using socket = await openRawWebSocket(served.url);
  const connect = Buffer.from(connectText());
  const pad = Buffer.from(`{"type":"from-the-future","pad":"${'x'.repeat(65_536 - 35)}"}`);
  expect(pad.length).toBe(65_536);
  socket.write(encodeFrame({ opcode: OPCODE.text, payload: connect }));
  socket.write(encodeFrame({ opcode: OPCODE.text, payload: pad }));
  for (let from = 0; from < pad.length; from += 1_000) {
    socket.write(
      encodeFrame({
        opcode: from === 0 ? OPCODE.text : OPCODE.continuation,
        payload: pad.subarray(from, from + 1_000),
        fin: from + 1_000 >= pad.length,
      }),
    );
  }
  expect(await compare(socket, ['hello'])).toEqual([]);
});

test('LINK-7: a peer that does not answer a close is cut off', async () => {
  using socket = await openRawWebSocket(served.url);
  socket.write(encodeFrame({ opcode: OPCODE.text, payload: 'no JSON' }));
  await waitUntil('the close', () => socket.answers.at(-1) === 'close 4400');
  await waitUntil('the end', () => socket.isEnded, 4_000);
  expect(socket.answers).toEqual(['error protocol/malformed', 'close 4400']);
});

test('LIM-1: a message in a hundred thousand empty frames costs nothing and ends at some limit, or at its end', async () => {
  using socket = await openRawWebSocket(served.url);
  const before = process.memoryUsage().heapUsed;
  socket.write(encodeFrame({ opcode: OPCODE.text, fin: false }));
  const empty = encodeFrame({ opcode: OPCODE.continuation, fin: false });
  const many = Buffer.concat(Array.from({ length: 1_000 }, () => empty));
  for (let written = 0; written < 100 && !socket.isEnded; written += 1) {
    socket.write(many);
    await turns();
  }
  socket.write(encodeFrame({ opcode: OPCODE.continuation, payload: connectText() }));
  await waitUntil('hello or an end', () => socket.answers.length > 0 || socket.isEnded);
  expect(['hello', 'error protocol/malformed', 'error limit/frame-size']).toContain(
    socket.answers[0],
  );
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(30_000_000);
});

test('SUB-8: a peer that pings and never reads costs no more than its limits', async () => {
  using socket = await openRawWebSocket(served.url);
  socket.write(encodeFrame({ opcode: OPCODE.text, payload: connectText() }));
  await waitUntil('hello', () => socket.answers.length > 0);
  socket.pause();
  const ping = encodeFrame({ opcode: OPCODE.ping, payload: 'x'.repeat(125) });
  const many = Buffer.concat(Array.from({ length: 500 }, () => ping));
  let highest = 0;
  // 32 MB of pongs: more than the kernel takes.
  for (let written = 0; written < 512 && !socket.isEnded; written += 1) {
    socket.write(many);
    await turns();
    highest = Math.max(highest, served.hub.stats().queueBytes);
  }
  expect(highest).toBeLessThan(262_144 + 65_536 + 131_072);
});

test('LINK-2: a thousand broken links disturb none that stands, and leave nothing behind', async () => {
  const links = (): number => served.hub.stats().links['websocket'] ?? 0;
  await waitUntil('the end of the links before', () => links() === 0);
  using witness = await openRawWebSocket(served.url);
  witness.write(encodeFrame({ opcode: OPCODE.text, payload: connectText() }));
  await waitUntil('hello', () => witness.answers.length > 0);
  const broken = webSocketCases.filter(({ answers }) => answers[0]?.startsWith('error'));
  await runAll(
    Array.from({ length: 1_000 }, (_, index) => async () => {
      using socket = await openRawWebSocket(served.url);
      socket.write(broken[index % broken.length]?.bytes(connectText()) ?? Buffer.of(0));
      await waitUntil('its close', () => socket.answers.some((one) => one.startsWith('close')));
      return [];
    }),
  );
  witness.write(encodeFrame({ opcode: OPCODE.text, payload: '{"type":"probe"}' }));
  await waitUntil('the beat', () => witness.answers.at(-1) === 'beat');
  expect(witness.answers).toEqual(['hello', 'beat']);
  await waitUntil('no link but the one', () => links() === 1);
});

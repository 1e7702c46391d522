// What only a WebSocket has: subprotocol, text messages, close codes, a connect that must come.

import { connect } from 'node:net';
import {
  encodeClientFrame,
  parseServerFrame,
  type ServerFrame,
  SUBPROTOCOL,
} from '@millrace/protocol/wire';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { connectFrame } from '../testing/memory-link.ts';
import { openNotes } from '../testing/test-channels.ts';
import { openTestLink, type TestLink } from '../testing/tiny-clients.ts';
import { noteTexts, type ServedHub, serveHub, verdictOf } from '../testing/transport-subject.ts';
import { waitFor, waitUntil } from '../testing/waiting.ts';

interface Ended {
  readonly code: number;
  readonly reason: string;
  readonly frames: readonly ServerFrame[];
}

/** What becomes of a socket that does this once it is open. */
async function endOf(served: ServedHub, act: (socket: WebSocket) => void): Promise<Ended> {
  const socket = new WebSocket(`${served.url.replace('http', 'ws')}/ws`, SUBPROTOCOL);
  const frames: ServerFrame[] = [];
  let end: { code: number; reason: string } | undefined;
  socket.on('open', () => act(socket));
  socket.on('message', (data: Buffer) => {
    const frame = parseServerFrame(data.toString());
    if (frame !== null) frames.push(frame);
  });
  socket.on('close', (code, reason) => {
    end = { code, reason: reason.toString() };
  });
  const { code, reason } = await waitFor('the end', () => end);
  return { code, reason, frames };
}

const name = openNotes.of({ id: '1' }).name;
const channels = [{ channel: name, start: 'now' as const, version: 1 }];
const lastCode = ({ frames }: Ended): string | undefined => {
  const last = frames.at(-1);
  return last?.type === 'error' ? last.error.code : undefined;
};

test('WS-1: without the subprotocol there is no upgrade', async () => {
  await using served = await serveHub();
  for (const protocols of [[], ['millrace.2'], ['xmillrace.1']]) {
    const socket = new WebSocket(`${served.url.replace('http', 'ws')}/ws`, protocols);
    let status: number | undefined;
    socket.on('unexpected-response', (_req, res) => {
      status = res.statusCode;
    });
    socket.on('error', () => undefined);
    expect(await waitFor('the refusal', () => status)).toBe(400);
  }
});

test('WS-1: the subprotocol is chosen among others', async () => {
  await using served = await serveHub();
  const socket = new WebSocket(`${served.url.replace('http', 'ws')}/ws`, ['other', SUBPROTOCOL]);
  await waitUntil('the connection', () => socket.readyState === WebSocket.OPEN);
  expect(socket.protocol).toBe(SUBPROTOCOL);
  socket.terminate();
});

test('WS-1: a binary message is malformed', async () => {
  await using served = await serveHub();
  const end = await endOf(served, (socket) => socket.send(Buffer.from('{}')));
  expect([end.code, end.reason, lastCode(end)]).toEqual([
    4400,
    'protocol/malformed',
    'protocol/malformed',
  ]);
});

test('LINK-4: a socket that sends no connect is closed', async () => {
  await using served = await serveHub({ limits: { connectWithinMs: 100 } });
  const end = await endOf(served, () => undefined);
  expect([end.code, lastCode(end)]).toEqual([4408, 'link/no-connect']);
});

test('LINK-1: a link opens with connect and nothing else', async () => {
  await using served = await serveHub();
  const end = await endOf(served, (socket) => socket.send('{"type":"probe"}'));
  expect([end.code, lastCode(end)]).toEqual([4400, 'protocol/malformed']);
});

test('LINK-2: a frame of an unknown type is skipped', async () => {
  await using served = await serveHub();
  const end = await endOf(served, (socket) => {
    socket.send('{"type":"from-the-future","x":1}');
    socket.send(encodeClientFrame(connectFrame()));
    socket.send('{"type":"from-the-future","x":1}');
    socket.send('{"type":"probe"}');
    socket.on('message', (data: Buffer) => {
      if (data.toString().includes('"beat"')) socket.send('no JSON');
    });
  });
  expect(end.frames.map((one) => one.type)).toEqual(['hello', 'beat', 'error']);
});

test('LIM-1: a message over the limit is told as such, and its bytes are not kept', async () => {
  await using served = await serveHub();
  const end = await endOf(served, (socket) => socket.send('x'.repeat(70_000)));
  expect([end.code, end.reason, lastCode(end)]).toEqual([
    4409,
    'limit/frame-size',
    'limit/frame-size',
  ]);
  await using other = await serveHub();
  const later = await endOf(other, (socket) => {
    socket.send(encodeClientFrame(connectFrame()));
    socket.once('message', () => socket.send('x'.repeat(70_000)));
  });
  expect([later.code, lastCode(later)]).toEqual([4409, 'limit/frame-size']);
});

test('LINK-7: each end has its code', async () => {
  await using served = await serveHub();
  const connectWith = (token: string) => (socket: WebSocket) =>
    socket.send(encodeClientFrame(connectFrame({ token })));
  const invalid = await endOf(served, connectWith('forged'));
  expect([invalid.code, lastCode(invalid)]).toEqual([4402, 'auth/invalid']);
  const expired = await endOf(served, connectWith(`user-ann-until-${Date.now() + 200}`));
  expect([expired.code, lastCode(expired)]).toEqual([4403, 'auth/expired']);
});

test('a frame of every size arrives whole', async () => {
  await using served = await serveHub({ limits: { maxEventBytes: 200_000 } });
  const link = openTestLink('websocket', served.url, connectFrame({ channels }));
  await verdictOf(link, name);
  const texts = [0, 1, 20, 50, 1_000, 65_000, 70_000, 150_000].map((length) =>
    'é'.repeat(length / 2),
  );
  for (const text of texts) {
    await served.hub.publish(openNotes.of({ id: '1' }), { type: 'note', data: { text } });
  }
  await waitUntil('all of them', () => noteTexts(link, name).length === texts.length);
  expect(noteTexts(link, name)).toEqual(texts);
});

test('SUB-8: a socket whose peer does not read costs its limit, and gets everything once it reads', async () => {
  await using served = await serveHub();
  const link = openTestLink('websocket', served.url, connectFrame({ channels }));
  const stalled = await openStalled(served);
  await verdictOf(link, name);
  const text = 'x'.repeat(10_000);
  for (let index = 0; index < 3_000; index += 1) {
    await served.hub.publish(openNotes.of({ id: '1' }), {
      type: 'note',
      data: { text: `${index} ${text}` },
    });
  }
  await waitUntil('the reader that reads', () => noteTexts(link, name).length === 3_000, 10_000);
  const { queueBytes } = served.hub.stats();
  expect(queueBytes).toBeGreaterThan(100_000);
  expect(queueBytes).toBeLessThan(600_000);
  stalled.resume();
  await waitUntil('the one that did not', () => stalled.texts().length >= 3_000, 10_000);
  expect(stalled.texts()).toEqual(noteTexts(link, name));
});

test('WS-1: a refused upgrade ends its connection, whatever the other side does with its half', async () => {
  await using served = await serveHub();
  const request = [
    'GET /realtime/ws HTTP/1.1',
    'Host: h',
    'Connection: Upgrade',
    'Upgrade: websocket',
  ];
  const { hostname, port } = new URL(served.url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  socket.on('error', () => undefined);
  socket.on('data', () => undefined);
  socket.write(`${request.join('\r\n')}\r\n\r\n`);
  await waitUntil('the refusal', () => socket.readableEnded);
  // Its own half is still open; a server that waits for that holds the connection for ever.
  await waitUntil('no connection', () => served.connections() === 0);
  expect(socket.writable).toBe(true);
  socket.destroy();
});

test('LIM-4: sockets that have not sent connect count too', async () => {
  await using served = await serveHub({ limits: { maxLinksPerAddress: 2 } });
  const silent = [1, 2].map(
    () => new WebSocket(`${served.url.replace('http', 'ws')}/ws`, SUBPROTOCOL),
  );
  await waitUntil('both open', () => silent.every((one) => one.readyState === WebSocket.OPEN));
  const end = await endOf(served, () => undefined);
  expect([end.code, lastCode(end)]).toEqual([4429, 'limit/links']);
  expect(served.hub.stats().refused['limit/links']).toBe(1);
  silent[0]?.terminate();
  const link = openTestLink('websocket', served.url, connectFrame({ channels }));
  await waitUntil('a place', () => link.frames.length > 0);
  link.close();
  for (const one of silent) one.terminate();
});

async function openStalled(served: ServedHub): Promise<{ resume(): void; texts(): string[] }> {
  const frames: ServerFrame[] = [];
  const socket = new WebSocket(`${served.url.replace('http', 'ws')}/ws`, SUBPROTOCOL);
  socket.on('message', (data: Buffer) => {
    const frame = parseServerFrame(data.toString());
    if (frame !== null) frames.push(frame);
  });
  socket.on('open', () => socket.send(encodeClientFrame(connectFrame({ channels }))));
  await waitUntil('the verdict', () => frames.some((one) => one.type === 'verdict'));
  socket.pause();
  const link: Pick<TestLink, 'frames'> = { frames };
  return { resume: () => socket.resume(), texts: () => noteTexts(link as TestLink, name) };
}

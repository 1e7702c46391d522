// Event streams in formats of the program's own, over real sockets: on the socket itself, and on Node's response.

import { once } from 'node:events';
import { createServer, IncomingMessage, ServerResponse } from 'node:http';
import { type AddressInfo, Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createHub } from '../hub.ts';
import type { Hub } from '../hub-types.ts';
import { rawSocket } from '../testing/raw-http.ts';
import { openNotes } from '../testing/test-channels.ts';
import { waitUntil } from '../testing/waiting.ts';
import { SharedText } from './event-stream.ts';
import type { OwnStream, OwnStreamOptions } from './own-stream.ts';

interface Bed extends AsyncDisposable {
  readonly hub: Hub;
  readonly origin: string;
  /** In the order of their coming. */
  readonly streams: OwnStream[];
  readonly news: string[];
}

async function openBed(directWrites: boolean): Promise<Bed> {
  const hub: Hub = createHub({ contracts: [openNotes], directWrites });
  const streams: OwnStream[] = [];
  const news: string[] = [];
  const options: OwnStreamOptions = {
    headers: { 'X-Format': 'own' },
    onDrained: () => news.push('drained'),
    onClosed: () => news.push('closed'),
  };
  async function answer(_: IncomingMessage, res: ServerResponse): Promise<void> {
    // As any route that asks somebody first.
    await Promise.resolve();
    streams.push(hub.openEventStream(res, options));
  }
  const server = createServer((req, res) => void answer(req, res));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ hub, streams, news },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await hub.close();
    },
  };
}

/** A response that nobody reads. */
function unread(): ServerResponse {
  return new ServerResponse(new IncomingMessage(new Socket()));
}

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

describe.each([
  ['on the socket', true],
  ['on the response', false],
])('a stream of the program, %s', (_, directWrites) => {
  test('SSE-1: has the head of every event stream and its own, the same text for all, and an end', async () => {
    await using bed = await openBed(directWrites);
    const sockets = [rawSocket(bed.origin, REQUEST), rawSocket(bed.origin, REQUEST)];
    await waitUntil('both', () => bed.streams.length === 2);
    const text = new SharedText('data: é😀\n\n');
    for (const stream of bed.streams) {
      stream.write(text);
      stream.write('data: two\n\n');
      stream.end('data: [DONE]\n\n');
      stream.end('data: never\n\n');
    }
    for (const socket of sockets) {
      await waitUntil('the end', () => socket.text.endsWith('0\r\n\r\n'));
      expect(socket.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(socket.text).toContain('Content-Type: text/event-stream; charset=utf-8\r\n');
      expect(socket.text).toContain('X-Format: own\r\n');
      const bytes = Buffer.from(socket.text, 'latin1');
      const body = bytes.toString().slice(bytes.indexOf('\r\n\r\n') + 4);
      expect(body.replaceAll(/[0-9a-f]+\r\n|\r\n/g, '')).toBe(
        'data: é😀\n\ndata: two\n\ndata: [DONE]\n\n',
      );
      socket[Symbol.dispose]();
    }
    await waitUntil('both ends', () => bed.news.length === 2);
    expect(bed.news).toEqual(['closed', 'closed']);
    expect(bed.streams.map(({ isOver }) => isOver)).toEqual([true, true]);
  });

  test('says when its reader takes nothing in, and when that is over', async () => {
    await using bed = await openBed(directWrites);
    using socket = rawSocket(bed.origin, REQUEST);
    await waitUntil('it', () => bed.streams.length === 1);
    const [stream] = bed.streams;
    stream?.write('data: first\n\n');
    await waitUntil('its first words', () => socket.text.includes('first'));
    expect(stream?.isFull).toBe(false);
    socket.socket.pause();
    const block = `data: ${'x'.repeat(60_000)}\n\n`;
    let blocks = 0;
    for (; blocks < 1_000 && stream?.isFull === false; blocks += 1) stream.write(block);
    expect(stream?.isFull).toBe(true);
    expect(bed.news).toEqual([]);
    socket.socket.resume();
    await waitUntil('all of it', () => socket.text.split('x\n\n').length === blocks + 1, 10_000);
    await waitUntil('the drain', () => bed.news.includes('drained'));
    expect(stream?.isFull).toBe(false);
  });

  test('is cut off without an end, and told of a reader that leaves', async () => {
    await using bed = await openBed(directWrites);
    using cut = rawSocket(bed.origin, REQUEST);
    await waitUntil('one', () => bed.streams.length === 1);
    bed.streams[0]?.write('data: first\n\n');
    await waitUntil('its first words', () => cut.text.includes('first'));
    bed.streams[0]?.cut();
    await waitUntil('the cut', () => cut.socket.closed);
    expect(cut.text.endsWith('0\r\n\r\n')).toBe(false);
    const left = rawSocket(bed.origin, REQUEST);
    await waitUntil('another', () => bed.streams.length === 2);
    bed.streams[1]?.write('data: first\n\n');
    await waitUntil('its first words', () => left.text.includes('first'));
    left[Symbol.dispose]();
    await waitUntil('both ends', () => bed.news.length === 2);
    expect(bed.news).toEqual(['closed', 'closed']);
    expect(bed.streams[1]?.isOver).toBe(true);
    // Nobody is there any more.
    bed.streams[1]?.write('data: late\n\n');
  });

  test('has its head where nothing was written, and goes with the hub', async () => {
    await using bed = await openBed(directWrites);
    using none = rawSocket(bed.origin, REQUEST);
    await waitUntil('one', () => bed.streams.length === 1);
    bed.streams[0]?.end();
    await waitUntil('its end', () => none.text.endsWith('0\r\n\r\n'));
    expect(none.text).toContain('X-Format: own\r\n');
    using stalled = rawSocket(bed.origin, REQUEST);
    await waitUntil('another', () => bed.streams.length === 2);
    bed.streams[1]?.write('data: first\n\n');
    await waitUntil('its first words', () => stalled.text.includes('first'));
    stalled.socket.pause();
    for (let n = 0; n < 1_000 && bed.streams[1]?.isFull === false; n += 1) {
      bed.streams[1].write(`data: ${'x'.repeat(60_000)}\n\n`);
    }
    await bed.hub.close();
    expect(bed.streams[1]?.isOver).toBe(true);
    await waitUntil('both ends', () => bed.news.filter((one) => one === 'closed').length === 2);
    expect(() => bed.hub.openEventStream(unread())).toThrowError(
      expect.objectContaining({ code: 'server/shutdown' }),
    );
  });

  test('tells once of a response that was over before it', async () => {
    await using bed = await openBed(directWrites);
    const res = unread();
    res.destroy();
    const isClosed = once(res, 'close');
    const closed: string[] = [];
    const stream = bed.hub.openEventStream(res, { onClosed: () => closed.push('closed') });
    await isClosed;
    expect(closed).toEqual(['closed']);
    expect(stream.isOver).toBe(true);
    stream.write('data: late\n\n');
    stream.end();
  });
});

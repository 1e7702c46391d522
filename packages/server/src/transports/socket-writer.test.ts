// Writing to a socket, past its stream and through it: the same bytes in the same order, however slowly the peer reads.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { waitFor, waitUntil } from '../testing/waiting.ts';
import { findDirectWrites } from './direct-writes.ts';
import { SocketWriter } from './socket-writer.ts';

interface Pair extends AsyncDisposable {
  /** The side that is written to. */
  readonly socket: Socket;
  readonly peer: Socket;
  readonly received: () => Buffer;
}

async function openPair(): Promise<Pair> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const accepted = once(server, 'connection');
  const peer = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [socket] = (await accepted) as [Socket];
  const chunks: Buffer[] = [];
  peer.on('data', (chunk: Buffer) => chunks.push(chunk));
  for (const one of [peer, socket]) one.on('error', () => undefined);
  return {
    socket,
    peer,
    received: () => Buffer.concat(chunks),
    async [Symbol.asyncDispose]() {
      socket.destroy();
      peer.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const direct = findDirectWrites();

test('this Node has what direct writes need', () => {
  expect(direct).not.toBeNull();
});

describe.each([
  ['to the handle', direct],
  ['through the stream', null],
])('%s', (_name, how) => {
  test('SUB-8: what a stalled peer does not take is counted, and arrives in order once it reads', async () => {
    await using pair = await openPair();
    let drains = 0;
    const writer = new SocketWriter(pair.socket, how, {
      drained() {
        drains += 1;
      },
    });
    pair.socket.on('drain', () => {
      drains += 1;
    });
    pair.peer.pause();
    const sent: Buffer[] = [];
    const put = (bytes: Buffer, asText: boolean): void => {
      sent.push(bytes);
      writer.write(asText ? bytes.toString('latin1') : bytes);
    };
    for (let index = 0; writer.bufferedBytes < 500_000; index += 1) {
      put(Buffer.alloc(1_000 + index, index % 256), index % 3 === 0);
    }
    expect(drains).toBe(0);
    pair.peer.resume();
    await waitUntil('nothing left', () => writer.bufferedBytes === 0);
    await waitUntil('a drain', () => drains > 0);
    put(Buffer.from('the end'), true);
    const whole = Buffer.concat(sent);
    await waitUntil('all bytes', () => pair.received().length >= whole.length);
    expect(pair.received().equals(whole)).toBe(true);
  });

  test('LINK-7: what is written before the stream ends goes out before its end', async () => {
    await using pair = await openPair();
    const writer = new SocketWriter(pair.socket, how, { drained: () => undefined });
    pair.peer.pause();
    const sent: Buffer[] = [];
    while (writer.bufferedBytes < 200_000) {
      const bytes = Buffer.alloc(30_000, sent.length);
      sent.push(bytes);
      writer.write(bytes);
    }
    writer.endDirect();
    pair.socket.end('last');
    pair.peer.resume();
    await once(pair.peer, 'end');
    const whole = Buffer.concat([...sent, Buffer.from('last')]);
    expect(pair.received().equals(whole)).toBe(true);
  });

  test('SUB-8: several at once arrive as one after the other', async () => {
    await using pair = await openPair();
    const writer = new SocketWriter(pair.socket, how, { drained: () => undefined });
    writer.writeAll(['a', Buffer.from('bé'), 'c']);
    writer.writeAll(['d', 'e']);
    writer.writeAll([]);
    await waitUntil('all of it', () => pair.received().length === 7);
    expect(pair.received().toString()).toBe('abécde');
  });

  test('LINK-7: a peer that is gone ends the socket, and writing to it harms nobody', async () => {
    await using pair = await openPair();
    const writer = new SocketWriter(pair.socket, how, { drained: () => undefined });
    pair.socket.on('close', () => writer.stop());
    pair.peer.resetAndDestroy();
    let closed = false;
    pair.socket.on('close', () => {
      closed = true;
    });
    await waitFor('the end', () => {
      if (!closed) writer.write('x'.repeat(1_000));
      return closed || undefined;
    });
    writer.write('late');
    expect(writer.bufferedBytes).toBeLessThanOrEqual(4);
  });
});

// A crowd for the bench of presence: its channel, and bare WebSockets by the thousand, each a session of its own. Bare,
// so that most of the time measured is the server's.

import { connect, type Socket } from 'node:net';
import { type Contract, defineChannel, type StandardSchema } from '@millrace/protocol';

const any: StandardSchema = {
  '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value }) },
};

/** `crowd`: whoever comes may see who is there, and be there. */
export const crowd: Contract<never, { readonly said: StandardSchema }, undefined> = defineChannel({
  type: 'crowd',
  events: { said: any },
  access: { presence: 'public' },
});

export interface Crowd {
  /** Each of them sends the frame, in one go. */
  say(frameOf: (index: number) => unknown): void;
  /** Bytes that have come for all of them. */
  receivedBytes(): number;
  close(): void;
}

/** Resolves once each of them has its `hello`. */
export async function openCrowd(url: string, path: string, count: number): Promise<Crowd> {
  const { port } = new URL(url);
  const sockets: Socket[] = [];
  let bytes = 0;
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length;
  };
  for (let opened = 0; opened < count; opened += 250) {
    const some = Array.from({ length: Math.min(250, count - opened) }, (_, at) =>
      openSocket(Number(port), path, opened + at, onData),
    );
    sockets.push(...(await Promise.all(some)));
  }
  return {
    say(frameOf) {
      sockets.forEach((socket, index) => socket.write(textFrame(JSON.stringify(frameOf(index)))));
    },
    receivedBytes: () => bytes,
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function openSocket(
  port: number,
  path: string,
  index: number,
  onData: (chunk: Buffer) => void,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const session = `crowd-session-${String(index).padStart(12, '0')}`;
  socket.on('error', reject);
  socket.write(
    `GET ${path}/ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
      'Sec-WebSocket-Protocol: millrace.1\r\n\r\n',
  );
  socket.write(
    textFrame(JSON.stringify({ type: 'connect', protocol: 1, session, link: 1, channels: [] })),
  );
  let text = '';
  const wait = (chunk: Buffer): void => {
    text += chunk.toString('latin1');
    if (!text.includes('"hello"')) return;
    socket.off('data', wait);
    socket.on('data', onData);
    resolve(socket);
  };
  socket.on('data', wait);
  return promise;
}

/** A masked text frame of at most 65,535 bytes, under a mask of zeros. */
function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const head =
    payload.length < 126
      ? [0x81, 0x80 | payload.length]
      : [0x81, 0xfe, payload.length >> 8, payload.length & 0xff];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload]);
}

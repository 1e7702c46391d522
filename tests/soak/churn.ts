// One run of promise T18: links that come and go by the thousand, over every carrier of one hub, on bare sockets so that most of
// the time is the hub's. At the end the hub's counts are those of the start, and the heap has not grown with the
// number. Owns the run; the verdict is a list of problems.

import { connect, type Socket } from 'node:net';
import type { HubStats } from '@millrace/server';
import { startMatrixHub } from '../matrix/matrix-hub.ts';
import { heldBytes } from '../support/heap.ts';
import { until } from '../support/wait.ts';

type ChurnCarrier = 'websocket' | 'sse' | 'poll' | 'plain';

export interface ChurnOptions {
  /** Over all carriers together, in turn. */
  readonly links: number;
  readonly atOnce?: number;
}

export interface ChurnReport {
  readonly links: number;
  readonly perSecond: number;
  /** Of heap, per link that has gone. */
  readonly heldBytesPerLink: number;
  readonly problems: readonly string[];
}

const carriers: readonly ChurnCarrier[] = ['websocket', 'sse', 'poll', 'plain'];
/** More than this for a link that has gone is a leak: the smallest thing one could forget has a hundred bytes. */
const MOST_BYTES_PER_LINK = 60;
/** What the heap moves by itself. */
const NOISE_BYTES = 600_000;

export async function runChurn({ links, atOnce = 48 }: ChurnOptions): Promise<ChurnReport> {
  await using server = await startMatrixHub({}, { limits: { maxLinksPerAddress: 10_000 } });
  const port = Number(new URL(server.directUrl).port);
  let next = 0;
  async function churn(count: number, hasOwnChannels: boolean): Promise<void> {
    const last = next + count;
    const worker = async (): Promise<void> => {
      while (next < last) {
        next += 1;
        const own = hasOwnChannels ? `numbers:churn-${next}` : 'numbers:all';
        await comeAndGo(port, carriers[next % carriers.length] ?? 'poll', own, next);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    await until(() => isQuiet(server.hub.stats()), { label: 'no link', deadlineMs: 5_000 });
  }
  // What is made once (code, pools, buffers) is made here; a topic would outlive its last reader by 10 s.
  await churn(Math.ceil(links / 8), false);
  const before = await heldBytes();
  const beganAt = performance.now();
  await churn(links, true);
  const seconds = (performance.now() - beganAt) / 1_000;
  await until(() => server.hub.stats().channelsLoaded === 0, {
    label: 'no channel',
    deadlineMs: 15_000,
    everyMs: 100,
  }).catch(() => undefined);
  const grown = (await heldBytes()) - before;
  const { channelsLoaded, subscriptions, queueBytes, publishQueue, refused } = server.hub.stats();
  const problems: string[] = [];
  if (subscriptions + channelsLoaded + queueBytes + publishQueue > 0) {
    problems.push(`left behind: ${JSON.stringify(server.hub.stats())}`);
  }
  if (Object.keys(refused).length > 0) problems.push(`refused: ${JSON.stringify(refused)}`);
  if (grown > links * MOST_BYTES_PER_LINK + NOISE_BYTES) {
    problems.push(`the heap grew by ${grown} bytes over ${links} links`);
  }
  return {
    links,
    perSecond: Math.round(links / seconds),
    heldBytesPerLink: Math.round(grown / links),
    problems,
  };
}

function isQuiet({ links, subscriptions }: HubStats): boolean {
  return subscriptions + Object.values(links).reduce((sum, count) => sum + count, 0) === 0;
}

/** Opens a link with two channels, waits for the verdict on its own, and breaks it off. */
async function comeAndGo(
  port: number,
  carrier: ChurnCarrier,
  own: string,
  number: number,
): Promise<void> {
  const connectText = JSON.stringify({
    type: 'connect',
    protocol: 1,
    session: `churn-session-${`${number}`.padStart(12, '0')}`,
    link: 1,
    holdMs: 0,
    channels: [{ channel: 'numbers:shared' }, { channel: own }],
  });
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  try {
    socket.write(opening(carrier, own, connectText));
    await answered(socket, carrier === 'plain' ? '\nid: ' : own, number);
  } finally {
    if (number % 2 === 0) socket.resetAndDestroy();
    else socket.destroy();
  }
}

function opening(carrier: ChurnCarrier, channel: string, text: string): Buffer {
  if (carrier === 'plain') {
    return Buffer.from(`GET /realtime/events?channel=${channel} HTTP/1.1\r\nHost: h\r\n\r\n`);
  }
  if (carrier !== 'websocket') {
    const length = Buffer.byteLength(text);
    return Buffer.from(
      `POST /realtime/${carrier} HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\n\r\n${text}`,
    );
  }
  const head =
    'GET /realtime/ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
    'Sec-WebSocket-Protocol: millrace.1\r\n\r\n';
  const payload = Buffer.from(text);
  // A text frame of 126 to 65,535 bytes under a mask of zeros.
  const frame = Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 0xff, 0, 0, 0, 0]);
  return Buffer.concat([Buffer.from(head), frame, payload]);
}

function answered(socket: Socket, sign: string, number: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let text = '';
  socket.setTimeout(10_000, () => reject(new Error(`link ${number} got only: ${text}`)));
  socket.on('error', reject);
  socket.on('close', () => reject(new Error(`link ${number} was closed after: ${text}`)));
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    if (text.includes(sign)) resolve();
  });
  return promise;
}

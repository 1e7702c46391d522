// A bare socket that speaks WebSocket: frames as bytes out, whatever is asked for, and a strict reading of what comes
// back. Shares nothing with any WebSocket library and nothing with the hub, so that it can judge both. RFC 6455, §5.

import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { SUBPROTOCOL } from '@millrace/protocol/wire';
import { waitUntil } from './waiting.ts';

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface FrameParts {
  readonly opcode: number;
  readonly payload?: string | Uint8Array;
  /** Default true. */
  readonly fin?: boolean;
  /** The three reserved bits, as they stand in the first byte: 0x40, 0x20, 0x10. */
  readonly reserved?: number;
  /** Default 37 fa 21 3d; null sends the payload unmasked, which only a server may. */
  readonly mask?: readonly number[] | null;
  /** What the length field says, where it shall not be the truth. */
  readonly claimedLength?: bigint;
}

const MASK = [0x37, 0xfa, 0x21, 0x3d];

/** One frame as a client sends it. */
export function encodeFrame(parts: FrameParts): Buffer {
  const { opcode, fin = true, reserved = 0, mask = MASK } = parts;
  const payload = Buffer.from(parts.payload ?? '');
  const length = parts.claimedLength ?? BigInt(payload.length);
  const bits = length < 126n ? 7 : length < 65_536n ? 16 : 64;
  const head = Buffer.alloc(2 + (bits === 7 ? 0 : bits / 8));
  head[0] = (fin ? 0x80 : 0) | reserved | opcode;
  head[1] = (mask === null ? 0 : 0x80) | (bits === 7 ? Number(length) : bits === 16 ? 126 : 127);
  if (bits === 16) head.writeUInt16BE(Number(length), 2);
  if (bits === 64) head.writeBigUInt64BE(length, 2);
  if (mask === null) return Buffer.concat([head, payload]);
  const masked = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return Buffer.concat([head, Buffer.from(mask), masked]);
}

export function closePayload(code: number, reason: string | Uint8Array = ''): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, Buffer.from(reason)]);
}

export interface RawWebSocket extends Disposable {
  write(bytes: Uint8Array): void;
  /** Stops reading, as a peer that is stuck; `resume` takes up what waits. */
  pause(): void;
  resume(): void;
  /**
   * What came, in words: `hello`, `beat` …, `error CODE` for a text frame, `pong HEX`, `ping HEX`, `close CODE`
   * (`close` without a code), and `breach WHAT` for a frame that no server may send.
   */
  readonly answers: readonly string[];
  /** The server has ended its half of the connection, or all of it. */
  readonly isEnded: boolean;
}

/** @param early written together with the upgrade request: bytes that came in the same packet */
export async function openRawWebSocket(
  url: string,
  early: Uint8Array = new Uint8Array(),
): Promise<RawWebSocket> {
  const { hostname, port, pathname, host } = new URL(url);
  const key = Buffer.from('0123456789abcdef').toString('base64');
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  const answers: string[] = [];
  let isEnded = false;
  let waiting = Buffer.alloc(0);
  let head: string | null = null;

  function take(chunk: Buffer): void {
    waiting = Buffer.concat([waiting, chunk]);
    if (head === null) {
      const end = waiting.indexOf('\r\n\r\n');
      if (end < 0) return;
      head = waiting.toString('latin1', 0, end);
      waiting = waiting.subarray(end + 4);
    }
    for (let rest = readFrame(waiting, answers); rest !== null; rest = readFrame(rest, answers)) {
      waiting = Buffer.from(rest);
    }
  }

  const end = (): void => {
    isEnded = true;
  };
  socket.on('data', take).on('end', end).on('close', end);
  // Reported by `close`.
  socket.on('error', () => undefined);
  const request = [
    `GET ${pathname}/ws HTTP/1.1`,
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${key}`,
    `Sec-WebSocket-Protocol: ${SUBPROTOCOL}`,
    '',
    '',
  ].join('\r\n');
  socket.write(Buffer.concat([Buffer.from(request), early]));
  await waitUntil('the upgrade', () => head !== null || isEnded);
  checkUpgrade(head ?? '', key);
  return {
    write: (bytes) => void socket.write(bytes),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    answers,
    get isEnded() {
      return isEnded;
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

function checkUpgrade(head: string, key: string): void {
  const accept = createHash('sha1')
    .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
  const lines = head.split('\r\n');
  const has = (name: string, value: string): boolean =>
    lines.some((line) => line.toLowerCase().startsWith(`${name}:`) && line.endsWith(value));
  const isFine =
    lines[0]?.startsWith('HTTP/1.1 101 ') === true &&
    has('sec-websocket-accept', accept) &&
    has('sec-websocket-protocol', SUBPROTOCOL) &&
    !/^sec-websocket-extensions:/im.test(head);
  if (!isFine) throw new Error(`not an upgrade: ${head}`);
}

/** Takes one whole frame off the front and puts it into words; null while there is none. */
function readFrame(bytes: Buffer, answers: string[]): Buffer | null {
  if (bytes.length < 2) return null;
  const [first = 0, second = 0] = bytes;
  const short = second & 0x7f;
  const at = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < at) return null;
  const length =
    short === 126
      ? bytes.readUInt16BE(2)
      : short === 127
        ? Number(bytes.readBigUInt64BE(2))
        : short;
  if (bytes.length < at + length) return null;
  const payload = bytes.subarray(at, at + length);
  if (answers.some((one) => one.startsWith('close'))) answers.push('breach: bytes after its close');
  if ((second & 0x80) !== 0) answers.push('breach: masked');
  if ((first & 0x70) !== 0) answers.push('breach: reserved bits');
  if ((short === 126 && length < 126) || (short === 127 && length < 65_536))
    answers.push('breach: not the shortest length');
  if ((first & 0x08) !== 0 && (length > 125 || (first & 0x80) === 0))
    answers.push('breach: a control frame that is long or in parts');
  answers.push(inWords(first & 0x0f, (first & 0x80) !== 0, payload));
  return bytes.subarray(at + length);
}

function inWords(opcode: number, fin: boolean, payload: Buffer): string {
  switch (opcode) {
    case OPCODE.text: {
      // The hub sends each frame whole; parts would have to be put together here.
      if (!fin) return 'breach: a text in parts';
      const frame = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) as {
        type: string;
        error?: { code: string };
      };
      return frame.type === 'error' ? `error ${frame.error?.code}` : frame.type;
    }
    case OPCODE.close:
      return payload.length === 0 ? 'close' : `close ${payload.readUInt16BE(0)}`;
    case OPCODE.ping:
      return `ping ${payload.toString('hex')}`;
    case OPCODE.pong:
      return `pong ${payload.toString('hex')}`;
    default:
      return `breach: opcode ${opcode}`;
  }
}

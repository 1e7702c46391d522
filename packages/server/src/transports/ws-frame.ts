// A WebSocket frame with its header, built once for all sockets: unmasked, RFC 6455 §5.2. Rules: WS-1, EVT-2.

import type { Carrier, WireBytes } from '../seams/link.ts';
import { measure } from './wire-bytes.ts';

const FINAL = 0x80;
const OPCODES = { text: 0x1, close: 0x8, pong: 0xa } as const;

export const webSocketCarrier: Carrier = {
  encode: ({ text }) => textFrame(text),
};

/** One whole text message. */
export function textFrame(text: string): WireBytes {
  const { bytes: length, isShortAscii } = measure(text);
  const head = header(OPCODES.text, length);
  if (isShortAscii) return head + text;
  // Not from the pool: a frame that waits in a slow queue must not hold others' memory.
  const frame = Buffer.allocUnsafeSlow(head.length + length);
  frame.write(head, 'latin1');
  frame.write(text, head.length);
  return frame;
}

/** A ping's payload, sent back. At most 125 bytes, as the ping. */
export function pongFrame(payload: Buffer): string {
  return header(OPCODES.pong, payload.length) + payload.toString('latin1');
}

/** @param reason at most 123 bytes of ASCII */
export function closeFrame(code: number, reason: string): string {
  const body = String.fromCharCode(code >> 8, code & 0xff) + reason;
  return header(OPCODES.close, body.length) + body;
}

/** The header as a string of one byte a character. */
function header(opcode: number, length: number): string {
  if (length < 126) return String.fromCharCode(FINAL | opcode, length);
  if (length < 65_536) return String.fromCharCode(FINAL | opcode, 126, length >> 8, length & 0xff);
  const bytes = Buffer.alloc(10);
  bytes[0] = FINAL | opcode;
  bytes[1] = 127;
  bytes.writeBigUInt64BE(BigInt(length), 2);
  return bytes.toString('latin1');
}

// Reads the frames of one WebSocket client from the bytes of its socket: RFC 6455 §5, the server's side, no extensions.
// Bounded: a frame's length is judged before a byte of it is kept, and what is kept grows with what has arrived. Holds
// nothing between whole messages. Refuses to own: answers, closing. Rules: WS-1, LIM-1, LINK-2.
//
//   header ──length known──▶ payload ──whole──▶ header …        (a violation ends it: nothing is read any more)

import { isUtf8 } from 'node:buffer';
import { MillraceError } from '@millrace/protocol';

/** Told of what arrives, in order; nothing after `failed` or `closed`. */
export interface WsReceiver {
  text(message: string): void;
  binary(): void;
  ping(payload: Buffer): void;
  /** The peer closes, with this code, or without one. */
  closed(code: number | null): void;
  failed(error: MillraceError): void;
}

const CONTINUATION = 0x0;
const TEXT = 0x1;
const BINARY = 0x2;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;
const MAX_HEADER_BYTES = 14;
const FIRST_PAYLOAD_BYTES = 1_024;
/** Of one message. Browsers send none; each costs a buffer, a hundred times what a byte in it is worth. */
const MAX_FRAGMENTS = 1_024;

interface Frame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly length: number;
  readonly mask: Buffer;
}

/** A message that comes in fragments. */
interface Message {
  readonly isText: boolean;
  readonly parts: Buffer[];
  bytes: number;
  frames: number;
}

/** A frame whose payload has not arrived whole. */
interface Partial {
  readonly frame: Frame;
  payload: Buffer;
  filled: number;
}

export class WsReader {
  readonly #maxBytes: number;
  #isOver = false;
  /** The beginning of a header that has not arrived whole. */
  #header: Buffer | null = null;
  #partial: Partial | null = null;
  #message: Message | null = null;

  /** @param maxBytes of one message; a longer one is `limit/frame-size` */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The peer has closed, or broken the rules: nothing is read any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** It holds nothing, and another one may read what comes next. */
  get isIdle(): boolean {
    return (
      !this.#isOver && this.#header === null && this.#partial === null && this.#message === null
    );
  }

  /** @param chunk may be changed: payloads are unmasked in place */
  push(chunk: Buffer, to: WsReceiver): void {
    let rest = chunk;
    while (rest.length > 0 && !this.#isOver) {
      rest =
        this.#partial === null ? this.#readFrame(rest, to) : this.#fill(this.#partial, rest, to);
    }
  }

  /** A frame from its header on. Returns what is left. */
  #readFrame(chunk: Buffer, to: WsReceiver): Buffer {
    const before = this.#header?.length ?? 0;
    const bytes =
      this.#header === null
        ? chunk
        : Buffer.concat([this.#header, chunk.subarray(0, MAX_HEADER_BYTES)]);
    const headerLength = headerLengthOf(bytes);
    if (headerLength > bytes.length) {
      this.#header = Buffer.from(bytes);
      return chunk.subarray(bytes.length - before);
    }
    this.#header = null;
    const frame = this.#parseHeader(bytes, headerLength, to);
    if (frame === null) return EMPTY;
    const rest = chunk.subarray(headerLength - before);
    if (rest.length >= frame.length) {
      this.#take(frame, rest.subarray(0, frame.length), to);
      return rest.subarray(frame.length);
    }
    const capacity = Math.min(frame.length, Math.max(FIRST_PAYLOAD_BYTES, rest.length));
    this.#partial = { frame, payload: Buffer.allocUnsafeSlow(capacity), filled: 0 };
    return rest;
  }

  #parseHeader(bytes: Buffer, headerLength: number, to: WsReceiver): Frame | null {
    const first = bytes[0] ?? 0;
    const second = bytes[1] ?? 0;
    const opcode = first & 0x0f;
    const isFinal = (first & 0x80) !== 0;
    const isControl = opcode >= CLOSE;
    const length = payloadLengthOf(bytes, second & 0x7f);
    const problem = violationOf(first, second, opcode, isFinal, this.#message !== null);
    if (problem !== null) {
      this.#fail(to, violation(problem));
      return null;
    }
    if (!isControl && length + (this.#message?.bytes ?? 0) > this.#maxBytes) {
      this.#fail(to, tooLong());
      return null;
    }
    // Copied: the chunk that it stands in is handed on while the payload still comes.
    const mask = Buffer.from(bytes.subarray(headerLength - 4, headerLength));
    return { opcode, isFinal, length, mask };
  }

  #fill(partial: Partial, chunk: Buffer, to: WsReceiver): Buffer {
    const { frame } = partial;
    const wanted = Math.min(chunk.length, frame.length - partial.filled);
    if (partial.filled + wanted > partial.payload.length) {
      const larger = Math.min(frame.length, (partial.filled + wanted) * 2);
      const payload = Buffer.allocUnsafeSlow(larger);
      partial.payload.copy(payload, 0, 0, partial.filled);
      partial.payload = payload;
    }
    chunk.copy(partial.payload, partial.filled, 0, wanted);
    partial.filled += wanted;
    if (partial.filled === frame.length) {
      this.#partial = null;
      this.#take(frame, partial.payload.subarray(0, frame.length), to);
    }
    return chunk.subarray(wanted);
  }

  #take({ opcode, isFinal, mask }: Frame, payload: Buffer, to: WsReceiver): void {
    unmask(payload, mask);
    switch (opcode) {
      case PING:
        to.ping(payload);
        return;
      case PONG:
        return;
      case CLOSE:
        this.#close(payload, to);
        return;
      default:
        this.#gather(opcode, isFinal, payload, to);
    }
  }

  #gather(opcode: number, isFinal: boolean, payload: Buffer, to: WsReceiver): void {
    const begun = this.#message;
    if (isFinal && begun === null) {
      this.#deliver(opcode === TEXT, payload, to);
      return;
    }
    const message = begun ?? { isText: opcode === TEXT, parts: [], bytes: 0, frames: 0 };
    // Empty ones are allowed, and would pile up without ever meeting a limit. Copied, because a chunk is larger.
    if (payload.length > 0) message.parts.push(copyOf(payload));
    message.bytes += payload.length;
    message.frames += 1;
    if (message.frames > MAX_FRAGMENTS) {
      this.#fail(to, tooManyFrames());
      return;
    }
    this.#message = isFinal ? null : message;
    if (isFinal) this.#deliver(message.isText, Buffer.concat(message.parts), to);
  }

  #deliver(isText: boolean, bytes: Buffer, to: WsReceiver): void {
    if (!isText) to.binary();
    else if (isUtf8(bytes)) to.text(bytes.toString());
    else this.#fail(to, noUtf8());
  }

  #close(payload: Buffer, to: WsReceiver): void {
    const code = payload.length >= 2 ? payload.readUInt16BE(0) : null;
    if (payload.length === 1 || (code !== null && !isCloseCode(code))) {
      this.#fail(to, violation('a close code that there is not'));
    } else if (!isUtf8(payload.subarray(2))) {
      this.#fail(to, noUtf8());
    } else {
      this.#isOver = true;
      to.closed(code);
    }
  }

  #fail(to: WsReceiver, error: MillraceError): void {
    this.#isOver = true;
    this.#partial = null;
    this.#message = null;
    to.failed(error);
  }
}

const EMPTY = Buffer.alloc(0);

/** Memory of its own: of a pool, a byte that waits would hold the thousands beside it. */
function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}

/** Of a client's frame: mask included. More than there is while the length is not known. */
function headerLengthOf(bytes: Buffer): number {
  const second = bytes[1];
  if (second === undefined) return 2;
  const short = second & 0x7f;
  const masked = (second & 0x80) === 0 ? 0 : 4;
  return 2 + masked + (short === 126 ? 2 : short === 127 ? 8 : 0);
}

function payloadLengthOf(bytes: Buffer, short: number): number {
  if (short === 126) return bytes.readUInt16BE(2);
  // Past 2^53 it is not exact, and past every limit.
  return short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
}

function violationOf(
  first: number,
  second: number,
  opcode: number,
  isFinal: boolean,
  isFragmented: boolean,
): string | null {
  if ((first & 0x70) !== 0) return 'reserved bits, and no extension was agreed on';
  if ((second & 0x80) === 0) return 'a frame of a client that is not masked';
  switch (opcode) {
    case CLOSE:
    case PING:
    case PONG:
      if (!isFinal) return 'a control frame in fragments';
      return (second & 0x7f) > 125 ? 'a control frame over 125 bytes' : null;
    case CONTINUATION:
      return isFragmented ? null : 'a continuation of nothing';
    case TEXT:
    case BINARY:
      return isFragmented ? 'a new message inside another' : null;
    default:
      return `an opcode that there is not: ${opcode}`;
  }
}

/** RFC 6455 §7.4 and the registry: 1004 … 1006 and 1015 are never sent. */
function isCloseCode(code: number): boolean {
  if (code >= 3_000) return code <= 4_999;
  return code >= 1_000 && code <= 1_014 && !(code >= 1_004 && code <= 1_006);
}

function unmask(payload: Buffer, mask: Buffer): void {
  for (let index = 0; index < payload.length; index += 1) {
    payload[index] = (payload[index] ?? 0) ^ (mask[index & 3] ?? 0);
  }
}

function violation(what: string): MillraceError {
  return new MillraceError('protocol/malformed', `That is no WebSocket frame: ${what}.`);
}

function noUtf8(): MillraceError {
  return new MillraceError('protocol/malformed', 'The text is no UTF-8.');
}

function tooManyFrames(): MillraceError {
  return new MillraceError('limit/frame-size', 'The message has too many frames. Send fewer.');
}

function tooLong(): MillraceError {
  return new MillraceError('limit/frame-size', 'The frame is too long. Send smaller ones.');
}

// One `text/event-stream` answer: a head that forbids caching, transforming and buffering, and a body without end. Takes
// the socket away from Node's response where that is safe, else writes to the response. Rules: SSE-1.
//
//   before ──begin──▶ streaming (on the response, or on its socket) ──end, or the other side goes──▶ over

import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Carrier, OutboundFrame, WireBytes } from '../seams/link.ts';
import type { DirectWrites } from './direct-writes.ts';
import { type Detached, detachSocket } from './http-detach.ts';
import { SocketWriter, type WriterOwner } from './socket-writer.ts';
import { toWireBytes } from './wire-bytes.ts';

/** How long a response may take to hand over its last bytes after its end, ms. */
const FLUSH_WITHIN_MS = 1_500;

/** What becomes of a frame on a stream; an empty text sends nothing. One object for each kind of stream. */
export interface StreamCarrier {
  /** As it stands in the body. */
  readonly plain: Carrier;
  /** The same as one chunk of HTTP/1.1. */
  readonly chunked: Carrier;
}

export function streamCarrier(encode: (frame: OutboundFrame) => string): StreamCarrier {
  return {
    plain: { encode: (frame) => toWireBytes(encode(frame)) },
    chunked: { encode: (frame) => toWireBytes(chunk(encode(frame))) },
  };
}

/** A text of blocks for many streams: its bytes are made once for all of a kind. */
export class SharedText {
  readonly text: string;
  #plain: WireBytes | null = null;
  #chunked: WireBytes | null = null;

  constructor(text: string) {
    this.text = text;
  }

  /** As it stands in the body. */
  get plain(): WireBytes {
    this.#plain ??= toWireBytes(this.text);
    return this.#plain;
  }

  /** As one chunk of HTTP/1.1. */
  get chunked(): WireBytes {
    this.#chunked ??= toWireBytes(chunk(this.text));
    return this.#chunked;
  }
}

/** Whose stream it is. */
export interface StreamOwner extends WriterOwner {
  /** Once, whoever ended it. */
  closed(): void;
}

type State =
  | { readonly at: 'before'; readonly res: ServerResponse; readonly headers: Headers }
  | { readonly at: 'response'; readonly res: ServerResponse }
  | { readonly at: 'socket'; readonly socket: Socket; readonly writer: SocketWriter }
  | { readonly at: 'over' };

/** Beside those of every event stream. */
type Headers = Readonly<Record<string, string>>;

const OVER: State = { at: 'over' };
const NO_HEADERS: Headers = {};

/** A class: one for each reader, ten thousand of them idle. Holds the response only while it writes to it. */
export class EventStream {
  readonly #owner: StreamOwner;
  readonly #direct: DirectWrites | null;
  #state: State;
  /** Goes out with the first bytes of the body, in one write. */
  #head = '';
  /** What the response's own `write` said: not every kind of response says it again. */
  #hasToDrain = false;

  /** @param direct null: everything goes through the response */
  constructor(
    res: ServerResponse,
    direct: DirectWrites | null,
    owner: StreamOwner,
    headers: Headers = NO_HEADERS,
  ) {
    this.#owner = owner;
    this.#direct = direct;
    this.#state = { at: 'before', res, headers };
  }

  get isOver(): boolean {
    return this.#state.at === 'over';
  }

  get bufferedBytes(): number {
    const state = this.#state;
    if (state.at === 'socket') return state.writer.bufferedBytes;
    return state.at === 'over' ? 0 : state.res.writableLength;
  }

  /** Whether something waits for the peer: the owner hears of a drain then. */
  get isFull(): boolean {
    const state = this.#state;
    if (state.at === 'socket') return state.writer.isFull;
    return state.at !== 'over' && this.#hasToDrain;
  }

  /** Makes the head, if there is none yet: it goes out with what is written next, or the end. */
  begin(): void {
    if (this.#state.at === 'before') this.#begin(this.#state);
  }

  /** From now on the owner hears of drains, and of the end: at once, if it has come already. */
  watch(): void {
    if (this.#state.at !== 'before') return;
    const drained = (): void => this.drained();
    watchResponse(this.#state.res, drained, () => this.closed());
  }

  /** Sends the head if it is not out, then the frames. */
  send(frames: readonly OutboundFrame[], { plain, chunked }: StreamCarrier): void {
    this.begin();
    const state = this.#state;
    if (state.at === 'response') {
      for (const frame of frames) this.#putTo(state.res, frame.as(plain));
    } else if (state.at === 'socket') {
      const [first] = frames;
      if (first !== undefined && frames.length === 1) this.#put(state.writer, first.as(chunked));
      else state.writer.writeAll(this.#withHead(frames.map((frame) => frame.as(chunked))));
    }
  }

  /** The same with a text of blocks. */
  write(text: string | SharedText): void {
    this.begin();
    const state = this.#state;
    const isShared = typeof text !== 'string';
    if (state.at === 'response') this.#putTo(state.res, isShared ? text.plain : toWireBytes(text));
    else if (state.at === 'socket') {
      this.#put(state.writer, isShared ? text.chunked : toWireBytes(chunk(text)));
    }
  }

  #putTo(res: ServerResponse, bytes: WireBytes): void {
    if (bytes.length > 0 && !res.write(bytes, 'latin1')) this.#hasToDrain = true;
  }

  #put(writer: SocketWriter, bytes: WireBytes): void {
    if (this.#head === '') writer.write(bytes);
    else writer.writeAll(this.#withHead([bytes]));
  }

  /** @param withinMs how long the reader may take for what waits; then it is cut off */
  end(lastText = '', withinMs: number = FLUSH_WITHIN_MS): void {
    const state = this.#state;
    if (state.at === 'over') return;
    // Its end is reported by `close`.
    this.#state = OVER;
    if (state.at !== 'socket') {
      endResponse(state.res, lastText, withinMs);
      return;
    }
    state.writer.writeAll(this.#withHead([toWireBytes(chunk(lastText) + LAST_CHUNK)]));
    state.writer.endDirect();
    state.socket.end();
    destroyLater(state.socket, withinMs);
  }

  /** Breaks it off: its reader sees that this is no end. */
  cut(): void {
    const state = this.#state;
    if (state.at === 'over') return;
    this.#state = OVER;
    (state.at === 'socket' ? state.socket : state.res).destroy();
  }

  #begin({ res, headers }: Extract<State, { readonly at: 'before' }>): void {
    // Somebody else has answered meanwhile: that answer is theirs, and its `close` ends the link.
    if (res.headersSent || res.destroyed) {
      this.#state = OVER;
      return;
    }
    beginEventStream(res, headers);
    const detached = this.#direct === null ? null : detachSocket(res, 1);
    if (detached === null) this.#state = { at: 'response', res };
    else this.#takeOver(detached);
  }

  #takeOver({ socket, head }: Detached): void {
    const writer = new SocketWriter(socket, this.#direct, this.#owner);
    this.#head = head;
    this.#state = { at: 'socket', socket, writer };
    Reflect.set(socket, STREAM, this);
    socket.on('error', ignore);
    socket.on('drain', onDrain);
    socket.on('end', onEnd);
    socket.on('close', onClose);
    socket.resume();
  }

  #withHead(all: readonly WireBytes[]): readonly WireBytes[] {
    if (this.#head === '') return all;
    const head = this.#head;
    this.#head = '';
    return [head, ...all];
  }

  drained(): void {
    this.#hasToDrain = false;
    this.#owner.drained();
  }

  closed(): void {
    if (this.#state.at === 'socket') this.#state.writer.stop();
    this.#state = OVER;
    this.#owner.closed();
  }
}

// Listeners that all sockets share, each finding its stream on the socket: as functions of their own they would be a
// tenth of what an idle stream costs.
const STREAM = Symbol('millrace stream');

function streamOf(socket: Socket): EventStream | null {
  const stream: unknown = Reflect.get(socket, STREAM);
  return stream instanceof EventStream ? stream : null;
}

function onDrain(this: Socket): void {
  streamOf(this)?.drained();
}

function onClose(this: Socket): void {
  streamOf(this)?.closed();
}

/** A reader of events that ends its half has gone away. */
function onEnd(this: Socket): void {
  this.destroy();
}

/** Makes the head, which goes out with the first bytes that are written. */
export function beginEventStream(res: ServerResponse, headers: Headers = NO_HEADERS): void {
  res.socket?.setNoDelay(true);
  res.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store, no-transform',
    // nginx and those who learned from it buffer an answer unless this forbids it.
    'X-Accel-Buffering': 'no',
    // Nothing follows a stream on its connection.
    Connection: 'close',
    ...headers,
  });
}

export function watchResponse(
  res: ServerResponse,
  onDrained: () => void,
  onClosed: () => void,
): void {
  res.on('drain', onDrained);
  res.on('close', onClosed);
  // Its end is reported by `close`; an error must only not end the process.
  res.on('error', ignore);
  // Gone while its body was read or its user looked up: `close` will not come a second time.
  if (res.destroyed || res.closed) onClosed();
}

/** Ends the response; a peer that takes nothing in would keep it open for ever. */
export function endResponse(
  res: ServerResponse,
  lastText = '',
  withinMs: number = FLUSH_WITHIN_MS,
): void {
  if (res.destroyed || res.writableEnded) return;
  const { socket } = res;
  res.end(lastText);
  // Nearly always the kernel has it all by now.
  if (socket !== null && socket.writableLength > 0) destroyLater(res, withinMs);
}

interface Closable {
  destroy(): unknown;
  once(event: 'close', listener: () => void): unknown;
}

function destroyLater(one: Closable, withinMs: number): void {
  const timer = setTimeout(() => one.destroy(), withinMs).unref();
  one.once('close', () => clearTimeout(timer));
}

const LAST_CHUNK = '0\r\n\r\n';
/** One chunk of a chunked body; nothing for no text, since an empty chunk is the end. */
function chunk(text: string): string {
  return text === '' ? '' : `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

function ignore(): void {}

// WebSocket as a carrier: the handshake, one connection's life, and who closes. Frames are read by ws-reader.ts and
// written by socket-writer.ts. Rules: WS-1, LINK-1, LINK-2, LINK-4, LINK-7, LIM-1.
//
//   waiting ──connect──▶ open ──we close, or the peer does──▶ closing ──its answer, or the time is over──▶ gone
//      └──no connect, malformed, refused──────────────────────┘

import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ERROR_CODES, type Limits, MillraceError, toMillraceError } from '@millrace/protocol';
import { encodeServerFrame, parseClientFrame, SUBPROTOCOL } from '@millrace/protocol/wire';
import type { Attachment, Link, LinkAcceptor, OutboundFrame, Peer } from '../seams/link.ts';
import type { Timers } from '../seams/timers.ts';
import type { DirectWrites } from './direct-writes.ts';
import { SocketWriter, type WriterOwner } from './socket-writer.ts';
import { closeFrame, pongFrame, textFrame, webSocketCarrier } from './ws-frame.ts';
import { WsReader, type WsReceiver } from './ws-reader.ts';

/** How long the other side may take to answer our close, ms. */
const CLOSE_WITHIN_MS = 1_500;

export interface WebSocketTransport {
  /** @throws MillraceError `protocol/version`, `request/…`, what `enter` throws: the caller refuses */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer, peer: Peer): void;
  /** Cuts every socket. */
  close(): void;
}

export interface WebSocketTransportOptions {
  readonly acceptor: LinkAcceptor;
  readonly limits: Limits;
  readonly timers: Timers;
  readonly beatMs: number;
  /** Null: everything goes through the streams. */
  readonly direct: DirectWrites | null;
  /** Asked once a handshake is in order, before it is answered. @throws MillraceError: then it is refused */
  readonly enter: () => void;
  /** Refused before it was a link. */
  readonly onRefused: (error: MillraceError) => void;
  readonly onError: (error: MillraceError) => void;
}

interface ConnectionContext extends WebSocketTransportOptions {
  readonly connections: Set<Connection>;
}

export function webSocketTransport(options: WebSocketTransportOptions): WebSocketTransport {
  const connections = new Set<Connection>();
  const context: ConnectionContext = { ...options, connections };
  return {
    upgrade(req, socket, head, peer) {
      // Gone while somebody looked at the request: `close` will not come a second time.
      if (!socket.readable || !socket.writable) {
        socket.destroy();
        return;
      }
      const answer = handshakeOf(req);
      options.enter();
      new Connection(socket, peer, context).begin(answer, head);
    },
    close() {
      for (const connection of connections) connection.cut();
    },
  };
}

type State =
  /** `stop` ends the waiting: its time, and its place among the links of its address. */
  | { readonly at: 'waiting'; readonly peer: Peer; readonly stop: () => void }
  | { readonly at: 'open'; readonly attachment: Attachment }
  /** `attachment` still has to hear of the end. */
  | {
      readonly at: 'closing';
      readonly attachment: Attachment | null;
      readonly cancelDeadline: () => void;
    }
  | { readonly at: 'gone' };

const GONE: State = { at: 'gone' };

/** One WebSocket, as the hub's link and as the receiver of its own frames. A class: there is one for each idle reader. */
class Connection implements Link, WsReceiver, WriterOwner {
  readonly #context: ConnectionContext;
  readonly #socket: Duplex;
  readonly #writer: SocketWriter;
  /** Only while a message has arrived in part. */
  #reader: WsReader | null = null;
  #state: State;

  constructor(socket: Duplex, peer: Peer, context: ConnectionContext) {
    this.#context = context;
    this.#socket = socket;
    this.#writer = new SocketWriter(socket, context.direct, this);
    context.connections.add(this);
    this.#state = { at: 'waiting', peer, stop: () => undefined };
  }

  get transport(): string {
    return 'websocket';
  }

  get beatMs(): number {
    return this.#context.beatMs;
  }

  /** @param head what has come after the request */
  begin(answer: string, head: Buffer): void {
    const socket = this.#socket;
    if (socket instanceof Socket) {
      socket.setNoDelay(true);
      // The beats tell whether it lives; a timer of the server's would not see what is written to the handle.
      socket.setTimeout(0);
    }
    this.#writer.write(answer);
    Reflect.set(socket, CONNECTION, this);
    // Told to the peer by `close`, which follows; here it only must not end the process.
    socket.on('error', ignore);
    socket.on('close', onClose);
    socket.on('drain', onDrain);
    socket.on('end', onEnd);
    this.#wait();
    if (head.length > 0) this.arrived(head);
    socket.on('data', onData);
  }

  arrived(chunk: Buffer): void {
    const reader = this.#reader ?? new WsReader(this.#context.limits.maxFrameBytes);
    reader.push(chunk, this);
    this.#reader = reader.isIdle ? null : reader;
    if (reader.isOver) this.#end();
  }

  cut(): void {
    this.#socket.destroy();
  }

  send(frames: readonly OutboundFrame[]): void {
    if (this.#state.at !== 'open') return;
    const [first] = frames;
    if (first !== undefined && frames.length === 1) this.#writer.write(first.as(webSocketCarrier));
    else this.#writer.writeAll(frames.map((frame) => frame.as(webSocketCarrier)));
  }

  close(reason: MillraceError | null): void {
    if (reason === null) this.#close(1_000, '');
    else this.#closeFor(reason);
  }

  bufferedBytes(): number {
    return this.#writer.bufferedBytes;
  }

  text(message: string): void {
    // What comes after our close is nobody's any more.
    if (this.#state.at !== 'waiting' && this.#state.at !== 'open') return;
    try {
      this.#received(message);
    } catch (thrown) {
      this.failed(toMillraceError(thrown));
    }
  }

  binary(): void {
    this.failed(new MillraceError('protocol/malformed', 'Send text messages.'));
  }

  ping(payload: Buffer): void {
    if (this.#state.at === 'gone' || this.#state.at === 'closing') return;
    // Whoever pings and does not read gets the answer to a later one, as RFC 6455 §5.5.3 allows.
    if (this.#writer.bufferedBytes > this.#context.limits.maxControlBytes) return;
    this.#writer.write(pongFrame(payload));
  }

  closed(code: number | null): void {
    if (this.#state.at === 'waiting' || this.#state.at === 'open') this.#close(code ?? 1_000, '');
  }

  failed(error: MillraceError): void {
    if (error.code === 'server/internal') this.#context.onError(error);
    if (this.#state.at === 'open') this.#state.attachment.failed(error);
    else this.#refuse(error);
  }

  #received(message: string): void {
    const frame = parseClientFrame(message);
    if (frame === null) return;
    const state = this.#state;
    if (state.at === 'open') {
      state.attachment.received(frame);
    } else if (state.at === 'waiting') {
      if (frame.type !== 'connect') {
        throw new MillraceError('protocol/malformed', 'A link opens with `connect`.');
      }
      state.stop();
      const attachment = this.#context.acceptor.attach(this, frame, state.peer);
      // The hub may have refused it already.
      if (this.#state === state) this.#state = { at: 'open', attachment };
      else if (this.#state.at === 'closing') this.#state = { ...this.#state, attachment };
    }
  }

  /** Until `connect` a socket has its time, and its place among the links of its address. */
  #wait(): void {
    const { acceptor, timers, limits } = this.#context;
    const state = this.#state;
    if (state.at !== 'waiting') return;
    try {
      const leave = acceptor.admit(state.peer);
      const cancel = timers.after(limits.connectWithinMs, () => this.#refuse(noConnect()));
      const stop = (): void => {
        cancel();
        leave();
      };
      this.#state = { ...state, stop };
    } catch (thrown) {
      this.#refuse(toMillraceError(thrown));
    }
  }

  #refuse(error: MillraceError): void {
    if (this.#state.at !== 'waiting') return;
    this.#context.onRefused(error);
    this.#closeFor(error);
  }

  #closeFor(error: MillraceError): void {
    if (this.#state.at !== 'waiting' && this.#state.at !== 'open') return;
    this.#writer.write(textFrame(encodeServerFrame({ type: 'error', error })));
    // A code that has no close of its own still needs one on the wire, and one of the same policy: a peer that did
    // not get the frame must not repeat what cannot help.
    const other = error.policy === 'stop' ? 'protocol/malformed' : 'server/internal';
    this.#close(ERROR_CODES[error.code].close || ERROR_CODES[other].close, error.code);
  }

  #close(code: number, reason: string): void {
    const state = this.#state;
    if (state.at !== 'waiting' && state.at !== 'open') return;
    if (state.at === 'waiting') state.stop();
    this.#writer.write(closeFrame(code, reason));
    const cancelDeadline = this.#context.timers.after(CLOSE_WITHIN_MS, () => this.cut());
    const attachment = state.at === 'open' ? state.attachment : null;
    this.#state = { at: 'closing', attachment, cancelDeadline };
  }

  /** Nothing more is read: the peer's close has come, or could not be told from its rubbish. */
  #end(): void {
    this.#writer.endDirect();
    this.#socket.end();
  }

  drained(): void {
    if (this.#state.at === 'open') this.#state.attachment.drained();
  }

  gone(): void {
    const state = this.#state;
    this.#state = GONE;
    this.#writer.stop();
    this.#context.connections.delete(this);
    switch (state.at) {
      case 'waiting':
        state.stop();
        return;
      case 'open':
        state.attachment.closed();
        return;
      case 'closing':
        state.cancelDeadline();
        state.attachment?.closed();
        return;
      case 'gone':
        return;
    }
  }
}

// Listeners that all sockets share, each finding its connection on the socket: as functions of their own they would be
// a tenth of what an idle connection costs.
const CONNECTION = Symbol('millrace connection');

function connectionOf(socket: Duplex): Connection | null {
  const connection: unknown = Reflect.get(socket, CONNECTION);
  return connection instanceof Connection ? connection : null;
}

function onData(this: Duplex, chunk: Buffer): void {
  connectionOf(this)?.arrived(chunk);
}

function onDrain(this: Duplex): void {
  connectionOf(this)?.drained();
}

function onClose(this: Duplex): void {
  connectionOf(this)?.gone();
}

/** Without a close frame there is nobody to answer any more. */
function onEnd(this: Duplex): void {
  this.destroy();
}

/** What answers the request. @throws MillraceError for one that asks for no WebSocket of ours */
function handshakeOf({ method, headers }: IncomingMessage): string {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',');
  if (!offered.some((one) => one.trim() === SUBPROTOCOL)) {
    throw new MillraceError('protocol/version', `Ask for the subprotocol ${SUBPROTOCOL}.`);
  }
  const key = headers['sec-websocket-key'] ?? '';
  const isWebSocket = headers.upgrade?.toLowerCase() === 'websocket';
  const isVersion = headers['sec-websocket-version'] === '13';
  if (method !== 'GET' || !isWebSocket || !isVersion || !KEY.test(key)) {
    throw new MillraceError('request/invalid', 'That is no WebSocket handshake of version 13.');
  }
  const accept = hash('sha1', `${key}${RFC_6455_GUID}`, 'base64');
  return (
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`
  );
}

/** 16 bytes in base64. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;
const RFC_6455_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

function noConnect(): MillraceError {
  return new MillraceError('link/no-connect', 'No `connect` came in time.');
}

function ignore(): void {}

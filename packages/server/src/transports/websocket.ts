// WebSocket as a carrier, over `ws` for reading and the handshakes; frames out are built once and written to the socket.
// Rules: WS-1, LINK-1, LINK-2, LINK-4, LINK-7, LIM-1.

import type { IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { ERROR_CODES, type Limits, MillraceError, toMillraceError } from '@millrace/protocol';
import { encodeServerFrame, parseClientFrame, SUBPROTOCOL } from '@millrace/protocol/wire';
import { WebSocket, WebSocketServer } from 'ws';
import type { Attachment, Link, LinkAcceptor, Peer } from '../seams/link.ts';
import type { Timers } from '../seams/timers.ts';
import { webSocketCarrier } from './ws-frame.ts';

/** How long the other side may take to answer our close, ms. Spread, because the types of ws lack it. */
const CLOSING = { closeTimeout: 1_500 };

export interface WebSocketTransport {
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer, peer: Peer): void;
  /** Answers an upgrade with the error's status instead. */
  refuse(socket: Duplex, error: MillraceError): void;
  /** Cuts every socket. */
  close(): void;
}

export interface WebSocketTransportOptions {
  readonly acceptor: LinkAcceptor;
  readonly limits: Limits;
  readonly timers: Timers;
  readonly beatMs: number;
  /** Refused before it was a link. */
  readonly onRefused: (error: MillraceError) => void;
  readonly onError: (error: MillraceError) => void;
}

/** What ws closes a socket with by itself, as errors of ours. */
const OWN_CLOSES: Readonly<Record<number, () => MillraceError>> = {
  1002: () => new MillraceError('protocol/malformed', 'That is no WebSocket frame.'),
  1007: () => new MillraceError('protocol/malformed', 'The text is no UTF-8.'),
  1008: () => new MillraceError('limit/frame-size', 'The message has too many frames. Send fewer.'),
  1009: () => new MillraceError('limit/frame-size', 'The frame is too long. Send smaller ones.'),
};

/**
 * ws closes by itself on a frame that is too long or broken, before it says so: the one place to tell the reason
 * as a frame first (LINK-7) is its `close`. `WebSocketServer` takes a class for that.
 */
class ReasonedWebSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    const error = code === undefined ? undefined : OWN_CLOSES[code]?.();
    if (error === undefined) super.close(code, reason);
    else endWith(this, error, (own, text) => super.close(own, text));
  }
}

export function webSocketTransport(options: WebSocketTransportOptions): WebSocketTransport {
  const { limits, timers, acceptor } = options;
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.maxFrameBytes,
    handleProtocols: () => SUBPROTOCOL,
    WebSocket: ReasonedWebSocket,
    ...CLOSING,
  });
  const sockets = new Set<WebSocket>();

  function accept(ws: WebSocket, socket: Duplex, peer: Peer): void {
    sockets.add(ws);
    let attachment: Attachment | null = null;
    const stopWaiting = waitForConnect(ws, peer);

    function received(text: string): void {
      const frame = parseClientFrame(text);
      if (frame === null) return;
      if (attachment !== null) {
        attachment.received(frame);
      } else if (frame.type === 'connect') {
        stopWaiting();
        attachment = acceptor.attach(createLink(ws, socket, options.beatMs), frame, peer);
      } else {
        throw new MillraceError('protocol/malformed', 'A link opens with `connect`.');
      }
    }

    function failed(thrown: unknown): void {
      const error = toMillraceError(thrown);
      if (error.code === 'server/internal') options.onError(error);
      if (attachment === null) refuseLink(ws, error);
      else attachment.failed(error);
    }

    ws.on('message', (data, isBinary) => {
      // What comes after our close is nobody's any more.
      if (ws.readyState !== WebSocket.OPEN) return;
      try {
        if (isBinary) throw new MillraceError('protocol/malformed', 'Send text messages.');
        // With the default `binaryType` a message is one Buffer, never a list of them.
        if (!Buffer.isBuffer(data)) throw new RangeError('A message that is no Buffer');
        received(data.toString());
      } catch (thrown) {
        failed(thrown);
      }
    });
    // Told to the peer by `close`; here it only must not end the process.
    ws.on('error', () => undefined);
    ws.on('close', () => {
      stopWaiting();
      sockets.delete(ws);
      attachment?.closed();
    });
    socket.on('drain', () => attachment?.drained());
  }

  function refuseLink(ws: WebSocket, error: MillraceError): void {
    options.onRefused(error);
    endWith(ws, error);
  }

  /** Until `connect` a socket has its time, and its place among the links of its address. Returns what ends both. */
  function waitForConnect(ws: WebSocket, peer: Peer): () => void {
    try {
      const leave = acceptor.admit(peer);
      const cancel = timers.after(limits.connectWithinMs, () => refuseLink(ws, noConnect()));
      return () => {
        cancel();
        leave();
      };
    } catch (thrown) {
      refuseLink(ws, toMillraceError(thrown));
      return () => undefined;
    }
  }

  return {
    upgrade(req, socket, head, peer) {
      const offered = (req.headers['sec-websocket-protocol'] ?? '').split(',');
      if (!offered.some((one) => one.trim() === SUBPROTOCOL)) {
        throw new MillraceError('protocol/version', `Ask for the subprotocol ${SUBPROTOCOL}.`);
      }
      server.handleUpgrade(req, socket, head, (ws) => accept(ws, socket, peer));
    },
    refuse,
    close() {
      for (const ws of sockets) ws.terminate();
    },
  };
}

function createLink(ws: WebSocket, socket: Duplex, beatMs: number): Link {
  return {
    transport: 'websocket',
    beatMs,
    send(frame) {
      // ws writes its own frames (pongs, the close) whole and to the same socket, so ours may stand between them.
      if (ws.readyState === WebSocket.OPEN) socket.write(frame.as(webSocketCarrier));
    },
    close(reason) {
      if (reason === null) ws.close(1000);
      else endWith(ws, reason);
    },
    bufferedBytes: () => socket.writableLength,
  };
}

function endWith(
  ws: WebSocket,
  error: MillraceError,
  close: (code: number, reason: string) => void = (code, reason) => ws.close(code, reason),
): void {
  if (ws.readyState === WebSocket.OPEN) ws.send(encodeServerFrame({ type: 'error', error }));
  // A code that has no close of its own still needs one on the wire, and one of the same policy: a peer that did
  // not get the frame must not repeat what cannot help.
  const other = error.policy === 'stop' ? 'protocol/malformed' : 'server/internal';
  close(ERROR_CODES[error.code].close || ERROR_CODES[other].close, error.code);
}

function refuse(socket: Duplex, error: MillraceError): void {
  const { status } = ERROR_CODES[error.code];
  const body = JSON.stringify({ error });
  socket.on('error', () => socket.destroy());
  // Nobody else ends it: the other side could keep its half open for ever.
  socket.once('finish', () => socket.destroy());
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}`,
      'Connection: close',
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...(status === 429 || status === 503 ? ['Retry-After: 1'] : []),
      '',
      body,
    ].join('\r\n'),
  );
}

function noConnect(): MillraceError {
  return new MillraceError('link/no-connect', 'No `connect` came in time.');
}

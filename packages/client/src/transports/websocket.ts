// The WebSocket carrier. Rules: WS-1, LINK-1, LINK-7.

import {
  ERROR_CODES,
  encodeClientFrame,
  isErrorCode,
  MillraceError,
  parseServerFrame,
  SUBPROTOCOL,
} from '@millrace/protocol';
import type { LinkHandlers, LinkRequest, Socket, Transport, TransportLink } from './transport.ts';

export const websocketTransport: Transport = {
  carrier: 'websocket',
  isDuplex: true,
  open(request, handlers) {
    const { WebSocket } = request.host;
    try {
      if (WebSocket === undefined) throw new TypeError('There is no WebSocket here.');
      return openSocket(new WebSocket(socketUrl(request.url), SUBPROTOCOL), request, handlers);
    } catch (cause) {
      // A page's policy may forbid it: the constructor throws then.
      const error = new MillraceError('link/refused', 'A WebSocket cannot be opened.', { cause });
      const cancel = request.host.setTimer(() => handlers.closed(error), 0);
      return { send: () => undefined, close: cancel };
    }
  },
};

function openSocket(socket: Socket, request: LinkRequest, handlers: LinkHandlers): TransportLink {
  let isOpen = false;
  const detach = (): void => {
    socket.onopen = socket.onmessage = socket.onclose = null;
    // A browser reports a socket that is closed while connecting as an error; nobody waits for it any more.
    socket.onerror = () => undefined;
  };
  const fail = (error: MillraceError): void => {
    detach();
    socket.close();
    handlers.closed(error);
  };
  socket.onopen = () => {
    isOpen = true;
    socket.send(encodeClientFrame(request.connect()));
  };
  socket.onmessage = ({ data }: { readonly data: unknown }) => {
    handlers.bytes();
    let frame: ReturnType<typeof parseServerFrame>;
    try {
      frame = parseServerFrame(typeof data === 'string' ? data : '');
    } catch (cause) {
      fail(new MillraceError('link/lost', 'The link carried something unreadable.', { cause }));
      return;
    }
    if (frame?.type === 'error' && frame.id === undefined) fail(frame.error);
    else if (frame !== null) handlers.frame(frame);
  };
  socket.onclose = ({ code, reason }: { readonly code: number; readonly reason: string }) => {
    detach();
    handlers.closed(closeError(code, reason, isOpen));
  };
  // `onclose` follows and tells all there is to know.
  socket.onerror = () => undefined;
  return {
    send(frame) {
      if (isOpen) socket.send(encodeClientFrame(frame));
    },
    close() {
      detach();
      socket.close();
    },
  };
}

function socketUrl(url: string): string {
  return `${url.replace(/^http/, 'ws')}/ws`;
}

function closeError(code: number, reason: string, isOpen: boolean): MillraceError {
  for (const [name, { close }] of Object.entries(ERROR_CODES)) {
    // 1000 is also what proxies say when they tidy up: no reason to stop for good.
    if (close === code && code !== 1000 && isErrorCode(name)) {
      return new MillraceError(name, reason || `The server closed the link with ${code}.`);
    }
  }
  return isOpen
    ? new MillraceError('link/lost', `The WebSocket closed with ${code}.`)
    : new MillraceError('link/refused', 'The WebSocket did not open.');
}

// The WebSocket carrier. Rules: WS-1, LINK-1, LINK-7.

import { isErrorCode, MillraceError } from '@millrace/protocol';
import { encodeClientFrame, parseServerFrame, SUBPROTOCOL } from '@millrace/protocol/wire';
import type { LinkHandlers, LinkRequest, Socket, Transport, TransportLink } from './transport.ts';

export const websocketTransport: Transport = {
  carrier: 'websocket',
  isDuplex: true,
  open(request, handlers) {
    const { WebSocket } = request.host;
    try {
      if (WebSocket === undefined) throw new TypeError('no WebSocket');
      return openSocket(new WebSocket(socketUrl(request.url), SUBPROTOCOL), request, handlers);
    } catch (cause) {
      // A page's policy may forbid it: the constructor throws then.
      const error = new MillraceError('link/refused', 'No WebSocket can be opened.', { cause });
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
      fail(new MillraceError('link/lost', 'Unreadable frame.', { cause }));
      return;
    }
    if (frame?.type === 'error' && frame.id === undefined) fail(frame.error);
    else if (frame !== null) handlers.frame(frame);
  };
  socket.onclose = ({ reason }: { readonly reason: string }) => {
    detach();
    handlers.closed(closeError(reason, isOpen));
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

/** The server gives its error's code as the reason; the frame before it has told more, if it arrived (LINK-7). */
function closeError(reason: string, isOpen: boolean): MillraceError {
  if (isErrorCode(reason)) return new MillraceError(reason, 'The server closed the link.');
  const code = isOpen ? 'link/lost' : 'link/refused';
  return new MillraceError(code, 'The WebSocket closed.');
}

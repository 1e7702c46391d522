// The WebSocket carrier. Rules: WS-1, LINK-1, LINK-7.

import { isErrorCode, MillraceError } from '@millrace/protocol';
import { encodeClientFrame, parseServerFrame, SUBPROTOCOL } from '@millrace/protocol/wire';
import { linkError } from './http.ts';
import type { LinkRequest, Socket, Transport } from './transport.ts';

export const websocketTransport: Transport = {
  carrier: 'websocket',
  isDuplex: true,
  open(request, handlers) {
    const socket = createSocket(request);
    let isOpen = false;
    socket.onopen = () => {
      isOpen = true;
      socket.send(encodeClientFrame(request.connect()));
    };
    socket.onmessage = ({ data }: { readonly data: unknown }) => {
      handlers.bytes();
      try {
        handlers.frame(parseServerFrame(typeof data === 'string' ? data : ''));
      } catch (thrown) {
        handlers.closed(linkError(thrown));
      }
    };
    // The server gives its error's code as the reason; the frame before it has told more, if it arrived (LINK-7).
    socket.onclose = ({ reason }: { readonly reason: string }) => {
      const own = isOpen ? 'link/lost' : 'link/refused';
      const code = isErrorCode(reason) ? reason : own;
      handlers.closed(new MillraceError(code, 'The WebSocket closed.'));
    };
    // `onclose` follows and tells all there is to know.
    socket.onerror = () => undefined;
    return {
      send(frame) {
        if (isOpen) socket.send(encodeClientFrame(frame));
      },
      close() {
        socket.onopen = socket.onmessage = socket.onclose = null;
        socket.close();
      },
    };
  },
};

function createSocket({ host: { WebSocket }, url }: LinkRequest): Socket {
  try {
    if (WebSocket !== undefined) {
      return new WebSocket(`${url.replace(/^http/, 'ws')}/ws`, SUBPROTOCOL);
    }
  } catch {
    // A page's policy may forbid it.
  }
  throw new MillraceError('link/refused', 'No WebSocket here.');
}

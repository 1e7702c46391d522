// A WebSocket frame with its header, built once for all sockets: unmasked, one text message, RFC 6455 §5.2.
// Written beside ws, which frames the same way when no extension is agreed on. Rules: WS-1, EVT-2.

import type { Carrier } from '../seams/link.ts';

const FINAL_TEXT = 0x81;

export const webSocketCarrier: Carrier = {
  encode({ text }) {
    const length = Buffer.byteLength(text);
    const headerLength = length < 126 ? 2 : length < 65_536 ? 4 : 10;
    // Not from the pool: a frame that waits in a slow queue must not hold others' memory.
    const frame = Buffer.allocUnsafeSlow(headerLength + length);
    frame[0] = FINAL_TEXT;
    if (headerLength === 2) {
      frame[1] = length;
    } else if (headerLength === 4) {
      frame[1] = 126;
      frame.writeUInt16BE(length, 2);
    } else {
      frame[1] = 127;
      frame.writeBigUInt64BE(BigInt(length), 2);
    }
    frame.write(text, headerLength);
    return frame;
  },
};

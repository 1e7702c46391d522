// Finds the ends of WebSocket frames in a byte stream (RFC 6455 §5.2) without touching a byte.
// Only lengths are read; no unmasking, no assembling of messages, no checking.

export interface Piece {
  readonly bytes: Buffer;
  /** The last byte of `bytes` is the last byte of a frame (or of an HTTP chunk). */
  readonly endsFrame: boolean;
}

/** A function that splits each read at frame ends; a frame may span any number of reads. */
export function createWsFramer(): (read: Buffer) => Piece[] {
  let header: number[] = [];
  let payloadLeft = 0;
  return (read) => {
    const pieces: Piece[] = [];
    let start = 0;
    let at = 0;
    const endFrame = (): void => {
      pieces.push({ bytes: read.subarray(start, at), endsFrame: true });
      start = at;
    };
    while (at < read.length) {
      if (payloadLeft > 0) {
        const taken = Math.min(payloadLeft, read.length - at);
        at += taken;
        payloadLeft -= taken;
        if (payloadLeft === 0) endFrame();
        continue;
      }
      header.push(read.readUInt8(at));
      at += 1;
      const length = payloadLength(header);
      if (length === undefined) continue;
      header = [];
      payloadLeft = length;
      if (length === 0) endFrame();
    }
    if (start < read.length) pieces.push({ bytes: read.subarray(start), endsFrame: false });
    return pieces;
  };
}

/** Payload bytes that follow a complete header; undefined while the header is incomplete. */
function payloadLength(header: readonly number[]): number | undefined {
  const second = header[1];
  if (second === undefined) return undefined;
  const short = second & 0x7f;
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
  const masked = (second & 0x80) === 0 ? 0 : 4;
  if (header.length < 2 + extended + masked) return undefined;
  if (extended === 0) return short;
  return header.slice(2, 2 + extended).reduce((length, byte) => length * 256 + byte, 0);
}

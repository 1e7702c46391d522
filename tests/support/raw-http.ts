// A bare socket that speaks whatever the test writes: broken heads, slow heads, half bodies. Owns
// the socket and the record of what came back; corrects nothing.

import { connect } from 'node:net';
import { createHttpReader, type Head } from './proxy/http-reader.ts';
import { until } from './wait.ts';

export interface RawResponse {
  readonly status: number;
  readonly headers: Head['headers'];
  /** Decoded from chunks where it was chunked; as UTF-8. */
  readonly body: string;
}

export interface RawHttp extends AsyncDisposable {
  /** Sends exactly these bytes (text as latin1, so that any byte can be written). */
  write(bytes: string | Uint8Array): void;
  /** Sends one byte per `everyMs`; resolves when all left, or when the socket closed before. */
  trickle(bytes: string, everyMs: number): Promise<void>;
  /** FIN; the other direction stays open. */
  end(): void;
  reset(): void;
  /** Stops reading for good: a peer that never drains. */
  stall(): void;
  /** All that came, as latin1. */
  received(): string;
  /** The next complete response; rejects at the deadline, or on a close in the middle. */
  response(deadlineMs?: number): Promise<RawResponse>;
  /** Resolves when the peer is gone, and says how. */
  readonly closed: Promise<'fin' | 'rst'>;
}

export async function openRawHttp(target: {
  readonly host?: string;
  readonly port: number;
}): Promise<RawHttp> {
  const socket = connect({ host: target.host ?? '127.0.0.1', port: target.port, noDelay: true });
  const connected = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<'fin' | 'rst'>();
  const reader = createHttpReader((head) =>
    /^(1\d\d|204|304)$/.test(head.start[1] ?? '') ? 'none' : 'by-headers-or-close',
  );
  let received = '';
  let how: 'fin' | 'rst' | undefined;
  socket.once('connect', connected.resolve);
  socket.on('error', (error) => {
    how ??= 'rst';
    connected.reject(error);
  });
  socket.on('end', () => {
    how ??= 'fin';
  });
  socket.on('close', () => {
    how ??= 'fin';
    closed.resolve(how);
  });
  socket.on('data', (bytes: Buffer) => {
    received += bytes.toString('latin1');
    reader.push(bytes);
  });
  await connected.promise;

  async function trickle(bytes: string, everyMs: number): Promise<void> {
    for (const byte of Buffer.from(bytes, 'latin1')) {
      if (!socket.writable) return;
      socket.write(Buffer.of(byte));
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }

  async function response(deadlineMs?: number): Promise<RawResponse> {
    let head: Head | undefined;
    const body: Buffer[] = [];
    function isComplete(): boolean {
      for (let segment = reader.next(); segment !== undefined; segment = reader.next()) {
        if (segment.kind === 'rubbish')
          throw new Error(`not HTTP: ${segment.bytes.toString('latin1')}`);
        if (segment.kind === 'head') head = segment.head;
        if (segment.kind === 'body') body.push(segment.bytes);
        if (segment.kind === 'end') return true;
      }
      return how !== undefined && head !== undefined && reader.finish();
    }
    await until(() => isComplete() || how !== undefined, {
      label: 'a complete response',
      ...(deadlineMs !== undefined && { deadlineMs }),
      details: () => `received so far: ${received}`,
    });
    if (head === undefined) throw new Error(`closed (${how}) before a response: ${received}`);
    const whole = Buffer.concat(body);
    const isChunked = head.headers.get('transfer-encoding') === 'chunked';
    return {
      status: Number(head.start[1]),
      headers: head.headers,
      body: (isChunked ? withoutChunking(whole) : whole).toString('utf8'),
    };
  }

  return {
    write(bytes) {
      socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    },
    trickle,
    end() {
      socket.end();
    },
    reset() {
      socket.resetAndDestroy();
    },
    stall() {
      socket.pause();
    },
    received: () => received,
    response,
    closed: closed.promise,
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await closed.promise;
    },
  };
}

function withoutChunking(raw: Buffer): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = raw.indexOf('\r\n', at);
    const size = Number.parseInt(raw.toString('latin1', at, lineEnd), 16);
    if (lineEnd < 0 || !(size > 0)) return Buffer.concat(parts);
    parts.push(raw.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}

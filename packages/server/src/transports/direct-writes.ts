// Writing to a socket's TCP handle without the stream in between: an eighth more deliveries for each second of CPU, with
// a token and history on (`bench/delivery/quick.ts ws 1000 1`, against `millrace-ws-streams`).
// Private parts of Node: each is looked for before it is used, and what one write reports is compared with what it was
// given, so that a Node that changes them is served through the stream. Never on TLS, whose handle is no plain TCP one.
// Refuses to own: what waits for a slow peer (socket-writer.ts).
//
// How Node does it itself: lib/internal/stream_base_commons.js. A request object is needed only for what the kernel
// does not take at once, so one is kept ready and used up only then.

import { Socket } from 'node:net';

/** A TCP handle as this needs it. Both return 0, or a negative errno. */
export interface TcpHandle {
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
  writeLatin1String(request: WriteRequest, text: string): number;
}

/** Node's `WriteWrap`. It keeps what is being written alive, and tells when the kernel has taken it. */
export interface WriteRequest {
  oncomplete?: (this: WriteRequest, status: number) => void;
  bytes?: string | Uint8Array;
  writing?: Writing;
}

/** Who waits for a write. */
export interface Writing {
  /** The kernel has taken it, or, below 0, never will. */
  taken(status: number): void;
}

export interface DirectWrites {
  /** The handle to write to, or null where the stream must be used. */
  handleOf(socket: object): TcpHandle | null;
  /**
   * `done`: the kernel took everything at once. `waiting`: `writing` hears once it has. `failed`: the connection is
   * broken.
   */
  write(
    handle: TcpHandle,
    bytes: string | Uint8Array,
    writing: Writing,
  ): 'done' | 'waiting' | 'failed';
}

interface StreamWrap {
  readonly WriteWrap: new () => WriteRequest;
  readonly streamBaseState: Int32Array;
  readonly kLastWriteWasAsync: number;
  readonly kBytesWritten: number;
}

let found: DirectWrites | null | undefined;

/** Null where this Node has not what it takes. Looked for once a process. */
export function findDirectWrites(): DirectWrites | null {
  found ??= create();
  return found;
}

function create(): DirectWrites | null {
  const stream = bindingOf('stream_wrap');
  const tcp = bindingOf('tcp_wrap');
  if (!isStreamWrap(stream) || !hasTcp(tcp)) return null;
  const { WriteWrap, streamBaseState, kLastWriteWasAsync, kBytesWritten } = stream;
  const { TCP } = tcp;
  let spare = new WriteWrap();
  /** Until the first write: whether the report of a write is where it is looked for. */
  let isProven = false;
  let isRefuted = false;

  function check(length: number): void {
    isProven = true;
    isRefuted = streamBaseState[kBytesWritten] !== length;
  }

  return {
    handleOf(socket) {
      if (isRefuted || !(socket instanceof Socket) || !('_handle' in socket)) return null;
      // What waits in the stream stands before what is written here.
      if (socket.writableLength > 0) return null;
      const handle: unknown = socket._handle;
      return handle instanceof TCP && isTcpHandle(handle) ? handle : null;
    },
    write(handle, bytes, writing) {
      if (isRefuted) return 'failed';
      const status =
        typeof bytes === 'string'
          ? handle.writeLatin1String(spare, bytes)
          : handle.writeBuffer(spare, bytes);
      if (status !== 0) return 'failed';
      if (!isProven) check(bytes.length);
      // Whether it waits cannot be told: those that are open end, all later ones use the stream.
      if (isRefuted) {
        spare = new WriteWrap();
        return 'failed';
      }
      if (streamBaseState[kLastWriteWasAsync] === 0) return 'done';
      spare.bytes = bytes;
      spare.writing = writing;
      spare.oncomplete = tell;
      spare = new WriteWrap();
      return 'waiting';
    },
  };
}

function tell(this: WriteRequest, status: number): void {
  this.writing?.taken(status);
}

/** Throws under `--permission`, and may one day be gone. */
function bindingOf(name: string): unknown {
  try {
    const binding: unknown = Reflect.get(process, 'binding');
    return typeof binding === 'function' ? Reflect.apply(binding, process, [name]) : null;
  } catch {
    return null;
  }
}

function isStreamWrap(value: unknown): value is StreamWrap {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'WriteWrap' in value &&
    typeof value.WriteWrap === 'function' &&
    'streamBaseState' in value &&
    value.streamBaseState instanceof Int32Array &&
    'kLastWriteWasAsync' in value &&
    typeof value.kLastWriteWasAsync === 'number' &&
    'kBytesWritten' in value &&
    typeof value.kBytesWritten === 'number'
  );
}

function hasTcp(value: unknown): value is { readonly TCP: new (type: number) => object } {
  return (
    typeof value === 'object' && value !== null && 'TCP' in value && typeof value.TCP === 'function'
  );
}

function isTcpHandle(handle: object): handle is TcpHandle {
  return (
    'writeBuffer' in handle &&
    typeof handle.writeBuffer === 'function' &&
    'writeLatin1String' in handle &&
    typeof handle.writeLatin1String === 'function'
  );
}

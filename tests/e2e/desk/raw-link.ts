// A WebSocket to the hub that sends whatever the test writes, and what came back. Owns the socket;
// knows no client of ours.

import { WebSocket } from 'ws';
import { until } from '../../support/wait.ts';

export interface RawFrame {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface RawLink extends AsyncDisposable {
  send(data: string | Uint8Array): void;
  readonly frames: readonly RawFrame[];
  /** The first frame of that type. */
  untilFrame(type: string): Promise<RawFrame>;
  /** The close code, once closed. */
  untilClosed(): Promise<number>;
}

/** A well-formed `connect` with these fields replaced. */
export function connectFrame(fields: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    type: 'connect',
    protocol: 1,
    session: crypto.randomUUID().replaceAll('-', ''),
    link: 1,
    channels: [],
    ...fields,
  });
}

export async function openRawLink(url: string): Promise<RawLink> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/realtime/ws`, 'millrace.1');
  const frames: RawFrame[] = [];
  let code: number | undefined;
  const opened = Promise.withResolvers<void>();
  socket.on('open', opened.resolve);
  socket.on('error', opened.reject);
  socket.on('message', (data: Buffer) => void frames.push(JSON.parse(data.toString()) as RawFrame));
  socket.on('close', (closedWith) => {
    code = closedWith;
  });
  await opened.promise;
  return {
    send: (data) => socket.send(data),
    frames,
    untilFrame: (type) =>
      until(() => frames.find((frame) => frame.type === type), {
        label: `a frame ${type}`,
        details: () => JSON.stringify(frames),
      }),
    untilClosed: () =>
      until(() => code, {
        label: 'the close',
        details: () => JSON.stringify(frames),
      }),
    async [Symbol.asyncDispose]() {
      socket.terminate();
    },
  };
}

// A second device in the soak of answers: joins in the middle, and counts what it is sent until it is where others are.

import {
  aiRuns,
  EMPTY_RUN,
  foldRun,
  type RunEvent,
  type RunState,
  textOfRun,
} from '@millrace/protocol/runs';
import { encodeClientFrame, PROTOCOL_VERSION, parseServerFrame } from '@millrace/protocol/wire';
import { WebSocket } from 'ws';
import type { ServerProcess } from '../support/server-process.ts';

/** How many frames a native reader gets until it has what the witness had when it joined; null where it was cut off. */
export async function framesUntil(
  witness: { text(): string },
  nodes: readonly ServerProcess[],
  runId: string,
): Promise<number | null> {
  for (const { url } of nodes) {
    const known = witness.text();
    const frames = await readFrames(url.replace('http', 'ws'), runId, known);
    if (frames !== null) return frames;
  }
  return null;
}

function readFrames(url: string, runId: string, known: string): Promise<number | null> {
  const channel = aiRuns.of({ runId });
  const socket = new WebSocket(`${url}/realtime/ws`, 'millrace.1');
  let count = 0;
  let state: RunState = EMPTY_RUN;
  return new Promise((resolve) => {
    const settle = (frames: number | null): void => {
      socket.terminate();
      resolve(frames);
    };
    const timer = setTimeout(() => settle(null), 5_000);
    socket.on('close', () => {
      clearTimeout(timer);
      settle(null);
    });
    socket.on('error', () => undefined);
    socket.on('open', () =>
      socket.send(
        encodeClientFrame({
          ...{
            type: 'connect',
            protocol: PROTOCOL_VERSION,
            session: crypto.randomUUID().replaceAll('-', '').slice(0, 22),
            link: 1,
          },
          channels: [{ channel: channel.name, start: 'start', version: channel.contract.version }],
        }),
      ),
    );
    socket.on('message', (data: Buffer) => {
      count += 1;
      const frame = parseServerFrame(data.toString());
      // The contract's own state and events.
      if (frame.type === 'verdict' && frame.verdict === 'snapshot') state = frame.state as RunState;
      if (frame.type === 'events') {
        for (const event of frame.events) state = foldRun(state, event as RunEvent);
      }
      if (textOfRun(state).length >= known.length) settle(count);
    });
  });
}

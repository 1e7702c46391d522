// The long-poll carrier: a loop of POSTs, each a `connect` with the cursors of that moment.
// The first one is not held, so that the link is up at once; the next ones are held for as long as a dead
// server is still noticed in time. Without a slot among the origin's tabs none is held. Rules: POLL-1, CLI-12.

import { encodeClientFrame, parseServerFrames } from '@millrace/protocol/wire';
import { post, receivingTransport } from './http.ts';
import type { LinkHandlers, LinkRequest, Transport } from './transport.ts';

/** Longest hold, ms: with the grace of 6 s a dead server is noticed within half a minute. */
const HOLD_MS = 23_500;
/** Longest pause between polls that are not held, ms. */
const MAX_PAUSE_MS = 5_000;
const MIN_PAUSE_MS = 1_000;
/** A held poll that comes back sooner was not held. */
const EARLY_MS = 250;

/** Time of silence after which the link is dead, but for the grace: what a hold or a pause may last. */
export function pollBeatMs(askedBeatMs: number | undefined): number {
  return Math.min(askedBeatMs ?? HOLD_MS, HOLD_MS);
}

export const pollTransport: Transport = receivingTransport('poll', pollForever);

async function pollForever(
  request: LinkRequest,
  handlers: LinkHandlers,
  signal: AbortSignal,
): Promise<never> {
  const { host } = request;
  let release: (() => void) | null = null;
  let holdMs = 0;
  let pauseMs = MIN_PAUSE_MS;
  try {
    for (;;) {
      const connect = { ...request.connect(), holdMs };
      const askedAt = host.now();
      const body = encodeClientFrame(connect);
      const response = await post(request, 'poll', { body, signal });
      const frames = parseServerFrames(JSON.parse(await response.text()));
      const isEarly = host.now() - askedAt < EARLY_MS;
      signal.throwIfAborted();
      handlers.bytes();
      for (const frame of frames) {
        handlers.frame(frame);
        signal.throwIfAborted();
      }
      // Events, the next state of a channel that delivers those, or something else that happened on a channel: whoever
      // waits for it asks again at once.
      const isNews = frames.some(
        (frame) =>
          'events' in frame || 'state' in frame || ('frame' in frame && frame.frame['channel']),
      );
      const beatMs = pollBeatMs(connect.beatMs);
      release ??= await host.acquireSlot();
      signal.throwIfAborted();
      if (isNews) pauseMs = MIN_PAUSE_MS;
      // Also a server that answers a held poll at once with nothing must not be asked without a pause.
      if (release === null || (holdMs > 0 && isEarly && !isNews)) {
        await pause(request, pauseMs, signal);
        pauseMs = Math.min(pauseMs * 1.5, MAX_PAUSE_MS, Math.max(beatMs, MIN_PAUSE_MS));
      }
      // Half a second over the beat, so that a server that beats in between is not asked twice as often.
      holdMs = release === null ? 0 : Math.min(beatMs + 500, HOLD_MS);
    }
  } finally {
    release?.();
  }
}

function pause({ host }: LinkRequest, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = host.setTimer(resolve, ms);
    // Not a listener of each pause's own: a tab may pause for days.
    signal.onabort = () => {
      cancel();
      reject(signal.reason);
    };
  });
}

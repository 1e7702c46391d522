// Networks that people really sit behind, as rules of the faulty proxy: each way in which WebSocket
// and SSE fail there. Data only.

import type { Fault } from '../../support/proxy/rules.ts';

/** Ways in which a WebSocket does not work. */
export const websocketBlocks: Readonly<Record<string, Fault>> = {
  'refused with 403': { mode: 'status', status: 403 },
  'answered with 200': { mode: 'status', status: 200, body: '<p>Welcome</p>' },
  'swallowed by a black hole': { mode: 'blackhole' },
  'dropped after 101': { mode: 'upgrade-then-drop' },
  'open but swallowing frames': { mode: 'upgrade-then-swallow' },
  'closed after one frame': { mode: 'close-after-frames', frames: 1 },
};

/** Ways in which a stream does not work, the WebSocket being blocked too. */
export const streamBlocks: Readonly<Record<string, Fault>> = {
  'buffered for ever': { mode: 'buffer' },
  'buffered for ever, head and all': { mode: 'buffer', head: 'held' },
  'buffered by 4 KiB': { mode: 'buffer-bytes', bytes: 4_096 },
  'refused with 403': { mode: 'status', status: 403 },
  'swallowed by a black hole': { mode: 'blackhole' },
};

/** Added to each byte's way, each direction: a mobile network's, so that ratios of times mean something. */
export const farAwayMs = 40;

export function farAway(fault: Fault): Fault {
  return { ...fault, latencyMs: farAwayMs };
}

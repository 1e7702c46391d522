// Whether a page could connect over this carrier: the payload round trip of the real client.

import { FIX_BUFFERING, FIX_NOT_DESK, FIX_UPGRADE } from '../advice.ts';
import { type Check, fail, pass } from '../check.ts';
import { type Carrier, openLiveLink } from '../live-link.ts';
import { createMessageWatch } from '../message-watch.ts';

const NAMES = { websocket: 'WebSocket Transport', sse: 'SSE Transport', poll: 'Poll Transport' };
const FIXES: Readonly<Record<Carrier, string>> = {
  websocket: FIX_UPGRADE,
  sse: FIX_BUFFERING,
  poll: FIX_NOT_DESK,
};

export function liveTransport(carrier: Carrier): Check {
  return {
    name: NAMES[carrier],
    async run({ options }) {
      const watch = createMessageWatch();
      const link = await openLiveLink(carrier, { url: options.url, watch, withinMs: 8_000 });
      if ('error' in link) {
        const why = link.error === null ? 'nothing answered within 8 s' : link.error.message;
        const isRefused = link.error?.code.startsWith('auth/') === true;
        const fix = isRefused ? 'Pages must sign in there; see its settings.' : FIXES[carrier];
        return fail(`No link over ${carrier}: ${why}`, fix);
      }
      await link.close();
      return pass(`open after ${link.ms} ms`);
    },
  };
}

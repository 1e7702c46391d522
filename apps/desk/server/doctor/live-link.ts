// One live link of the doctor over one carrier alone, through the real client.

import { createClient } from '@millrace/client';
import type { MillraceError } from '@millrace/protocol';
import { agentMessages } from '@millrace/protocol/channels';
import type { MessageWatch } from './message-watch.ts';

export type Carrier = 'websocket' | 'sse' | 'poll';

export interface LiveLink {
  readonly carrier: Carrier;
  /** How long it took to open. */
  readonly ms: number;
  latencyMs(): number | null;
  close(): Promise<void>;
}

/** Opens, or says why not. Nothing stays open when it fails. */
export async function openLiveLink(
  carrier: Carrier,
  options: { readonly url: string; readonly watch: MessageWatch; readonly withinMs: number },
): Promise<LiveLink | { readonly error: MillraceError | null }> {
  const startedAt = performance.now();
  const client = createClient({
    url: `${options.url}/realtime`,
    transports: [carrier],
    beatMs: 2_000,
    // Shown by the status; the doctor tells it once, at the end.
    onError: () => undefined,
  });
  client.subscribe(agentMessages.of(), { onEvent: (event) => options.watch.saw(event.data) });
  const isOpen = await new Promise<boolean>((resolve) => {
    const settle = (): void => {
      const now = client.status.getSnapshot();
      if (now.status === 'open' || now.status === 'closed') end(now.status === 'open');
      // What was refused twice is not going to be let in by waiting.
      if (now.status === 'connecting' && now.attempt >= 2 && now.error !== null) end(false);
    };
    const timer = setTimeout(() => end(false), options.withinMs);
    const unsubscribe = client.status.subscribe(settle);
    const end = (isUp: boolean): void => {
      clearTimeout(timer);
      unsubscribe();
      resolve(isUp);
    };
    settle();
  });
  if (!isOpen) {
    const now = client.status.getSnapshot();
    const error = 'error' in now ? now.error : null;
    await client.close();
    return { error };
  }
  return {
    carrier,
    ms: Math.round(performance.now() - startedAt),
    latencyMs() {
      const now = client.status.getSnapshot();
      return now.status === 'open' ? now.latencyMs : null;
    },
    close: () => client.close(),
  };
}

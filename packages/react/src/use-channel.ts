// One channel as React state. Everything typed follows from the channel's contract.

import type { Channel, EventOf, EventSchemas, Start } from '@millrace/protocol';
import { encodeCursor } from '@millrace/protocol';
import { useSyncExternalStore } from 'react';
import { type ChannelStore, createChannelStore } from './channel-store.ts';
import { type ChannelView, emptyView } from './channel-view.ts';
import { useClient } from './provider.ts';
import { useKeyedStore } from './use-keyed-store.ts';

export interface UseChannelOptions {
  /** Where the first subscription begins: `'now'` (default), `'start'`, `{ last: n }` or a cursor. */
  readonly start?: Start;
  /** Newest events held, for contracts without state. Default 100. */
  readonly keep?: number;
  /** False detaches and keeps what has arrived; true again goes on from there. Default true. */
  readonly enabled?: boolean;
}

const UNKNOWN = emptyView<never, never>(true);
const DISABLED = emptyView<never, never>(false);

/**
 * Subscribes while mounted and gives the channel's newest events, or its state where the contract has one.
 * The result is the same object until something changes, and changes at most once a frame.
 *
 * ```tsx
 * const { events, verdict } = useChannel(agentMessages.of(), { start: { last: 20 } });
 * ```
 * @throws MillraceError `request/invalid` outside a `MillraceProvider`
 */
export function useChannel<Events extends EventSchemas, State>(
  channel: Channel<Events, State>,
  options: UseChannelOptions = {},
): ChannelView<EventOf<Events>, State> {
  const client = useClient();
  const { start = 'now', keep = 100, enabled: isEnabled = true } = options;
  const place = [client, channel.name, channel.contract, startKey(start)];
  const { store } = useKeyedStore<{ place: unknown[]; store: ChannelStore<Events, State> }>(
    [...place, keep, isEnabled],
    (previous) => {
      const isSamePlace = previous?.place.every((key, at) => key === place[at]) ?? false;
      const settings = { start, keep, isEnabled };
      const taken = isSamePlace && previous !== null ? previous.store : null;
      return { place, store: createChannelStore(client, channel, settings, taken) };
    },
  );
  return useSyncExternalStore(store.subscribe, store.getSnapshot, () =>
    isEnabled ? UNKNOWN : DISABLED,
  );
}

function startKey(start: Start): string {
  if (typeof start === 'string') return start;
  return 'epoch' in start ? encodeCursor(start) : `last ${start.last}`;
}

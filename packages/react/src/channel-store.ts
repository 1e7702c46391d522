// One subscription of one component, gathered into frames. Owns the position between a component's
// unmount and its next mount; refuses to own links, retries or gaps, which are the client's.

import type { Client } from '@millrace/client';
import type { Channel, EventOf, EventSchemas, Start } from '@millrace/protocol';
import {
  type ChannelReport,
  type ChannelView,
  emptyView,
  foldReports,
  newest,
} from './channel-view.ts';
import { createFrameStore, type FrameStore } from './frame-store.ts';

export interface ChannelStoreOptions {
  readonly start: Start;
  readonly keep: number;
  readonly isEnabled: boolean;
}

export type ChannelStore<Events extends EventSchemas, State> = FrameStore<
  ChannelView<EventOf<Events>, State>
>;

/** Starts nothing until the first listener. With `previous` (same client and channel) it goes on where that one was. */
export function createChannelStore<Events extends EventSchemas, State>(
  client: Client,
  channel: Channel<Events, State>,
  options: ChannelStoreOptions,
  previous: ChannelStore<Events, State> | null,
): ChannelStore<Events, State> {
  const { keep, isEnabled } = options;
  let view = firstView(previous?.getSnapshot() ?? null, options);
  let reports: ChannelReport<EventOf<Events>, State>[] = [];

  function read(): ChannelView<EventOf<Events>, State> {
    view = foldReports(view, reports, keep);
    reports = [];
    return view;
  }

  function attach(changed: () => void): () => void {
    if (!isEnabled) return () => undefined;
    const report = (one: ChannelReport<EventOf<Events>, State>): void => {
      reports.push(one);
      changed();
    };
    const unsubscribe = client.subscribe(channel, {
      start: read().cursor ?? options.start,
      onVerdict: (verdict) => report({ type: 'verdict', verdict }),
      onEnd: (cursor) => report({ type: 'end', cursor }),
      ...(channel.contract.state === undefined
        ? { onEvent: (event, cursor) => report({ type: 'event', event, cursor }) }
        : { onState: (state, cursor) => report({ type: 'state', state, cursor }) }),
    });
    const reportFailure = (): void => {
      const status = client.status.getSnapshot();
      if (status.status === 'closed' && status.error !== null) {
        report({ type: 'failed', error: status.error });
      }
    };
    const unwatch = client.status.subscribe(reportFailure);
    reportFailure();
    return () => {
      unwatch();
      unsubscribe();
    };
  }

  return createFrameStore({ read, attach });
}

function firstView<Event, State>(
  previous: ChannelView<Event, State> | null,
  { isEnabled, keep }: ChannelStoreOptions,
): ChannelView<Event, State> {
  if (previous === null) return emptyView(isEnabled);
  const isLoading = isEnabled && previous.verdict === null && previous.error === null;
  return { ...previous, events: newest(previous.events, keep), isLoading };
}

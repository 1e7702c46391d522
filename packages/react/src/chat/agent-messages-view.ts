// The public result of `useRealtimeAgentMessages`, projected from the delivery's state in one place.

import type { MessagesByAgent } from './agent-messages-fold.ts';
import type { DeliveryRules, DeliveryState } from './agent-messages-machine.ts';

/** What carries the messages now. `poll` is the client's long-poll, `interval` the timed poll behind it. */
export type AgentMessagesTransport = 'websocket' | 'sse' | 'poll' | 'interval';

/**
 * `idle` nothing runs, by setting or by `disconnect` · `connecting` the first link is on its way ·
 * `live` a link is up · `polling` no link, timed polls answer · `reconnecting` no link, nothing answers yet ·
 * `offline` no link, and polls fail too or the server refused.
 */
export type AgentMessagesStatus =
  | 'idle'
  | 'connecting'
  | 'live'
  | 'polling'
  | 'reconnecting'
  | 'offline';

export interface AgentMessagesView {
  /** By agent; each list oldest first. Lists that did not change stay the same objects. */
  readonly messages: MessagesByAgent;
  /** A WebSocket or an SSE stream carries the messages; false on both kinds of polling. */
  readonly isRealtime: boolean;
  /** Why no messages come, and what to do; null while they can. */
  readonly error: string | null;
  /** Nothing is known yet. False from then on, also while reconnecting. */
  readonly isLoading: boolean;
  readonly status: AgentMessagesStatus;
  readonly transport: AgentMessagesTransport | null;
  /** Why it is not as good as it could be (a lesser carrier), readable; null otherwise. */
  readonly notice: string | null;
}

export const IDLE_ERROR =
  'Nothing is being received: streaming and polling are both switched off. Set enableSSE or enableFallbackPolling.';

const LOST = 'The connection is lost. It is being opened again.';

type Delivery = Pick<AgentMessagesView, 'status' | 'transport' | 'error' | 'notice'>;

export function viewOf(state: DeliveryState, rules: DeliveryRules): AgentMessagesView {
  const delivery = deliveryOf(state, rules);
  return {
    ...delivery,
    messages: state.feed.messages,
    isRealtime: delivery.transport === 'websocket' || delivery.transport === 'sse',
    isLoading: !state.isSettled && (delivery.status === 'connecting' || isOnItsWay(delivery)),
  };
}

/** The earlier view where nothing differs, so that a component does not render for nothing. */
export function keepIfSame(
  previous: AgentMessagesView,
  next: AgentMessagesView,
): AgentMessagesView {
  const isSame =
    previous.messages === next.messages &&
    previous.isLoading === next.isLoading &&
    previous.status === next.status &&
    previous.transport === next.transport &&
    previous.error === next.error &&
    previous.notice === next.notice;
  return isSame ? previous : next;
}

function isOnItsWay({ status }: Delivery): boolean {
  return status === 'live' || status === 'polling';
}

function deliveryOf(state: DeliveryState, rules: DeliveryRules): Delivery {
  if (!rules.isStreamingEnabled && !rules.isPollingEnabled) return delivery('idle', IDLE_ERROR);
  if (state.isPaused) return delivery('idle', null);
  if (!rules.isStreamingEnabled) return pollingOf(state, null);
  const { link } = state;
  switch (link.status) {
    case 'idle':
      return delivery('connecting', null);
    case 'open':
      if (state.denial !== null) return delivery('offline', state.denial);
      return { status: 'live', transport: link.transport, error: null, notice: link.notice };
    case 'closed':
      if (link.error === null) return delivery('idle', null);
      return rules.isPollingEnabled
        ? pollingOf(state, link.error.message)
        : delivery('offline', link.error.message);
    case 'connecting':
      if (state.phase === 'waiting') return delivery('connecting', null);
      return rules.isPollingEnabled
        ? pollingOf(state, link.error?.message ?? LOST)
        : delivery('reconnecting', link.error?.message ?? LOST);
  }
}

function pollingOf({ outcome }: DeliveryState, notice: string | null): Delivery {
  if (outcome.poll === 'failed') return { ...delivery('offline', outcome.error), notice };
  return { status: 'polling', transport: 'interval', error: null, notice };
}

function delivery(status: AgentMessagesStatus, error: string | null): Delivery {
  return { status, transport: null, error, notice: null };
}

// The shell of the agents' feed: starts and stops what the machine calls for, and feeds back what that
// reports. Decides nothing itself; agent-messages-machine.ts does.

import { createFrameStore, type FrameStore } from '../frame-store.ts';
import { emptyFeed, type Feed } from './agent-messages-fold.ts';
import {
  type DeliveryEvent,
  type DeliveryRules,
  type DeliveryState,
  initialDelivery,
  stepDelivery,
  workOf,
} from './agent-messages-machine.ts';
import { type AgentMessagesView, keepIfSame, viewOf } from './agent-messages-view.ts';

/** A piece of work of the feed: started with the feed as it stands, returns its stop. */
export type StartTask = (feed: () => Feed, dispatch: (event: DeliveryEvent) => void) => () => void;

export interface AgentMessagesStore extends FrameStore<AgentMessagesView> {
  /** Detaches: no stream, no polls. What has arrived stays. */
  disconnect(): void;
  /** Attaches again after `disconnect`; else starts over at the position, without waiting for a backoff. */
  reconnect(): void;
  /** What has been gathered, for a successor with other settings. */
  feed(): Feed;
}

/** Starts nothing until the first listener. `feed`: what a predecessor gathered. */
export function createAgentMessagesStore(
  rules: DeliveryRules,
  tasks: { readonly stream: StartTask; readonly poll: StartTask },
  feed: Feed | null,
): AgentMessagesStore {
  let state: DeliveryState = initialDelivery(feed ?? emptyFeed(rules), feed !== null);
  let view = viewOf(state, rules);
  let notify: (() => void) | null = null;
  let isReconciling = false;
  const stops = new Map<keyof typeof tasks, () => void>();

  function dispatch(event: DeliveryEvent): void {
    state = stepDelivery(state, event, rules);
    reconcile();
    notify?.();
  }

  function reconcile(): void {
    // A task may report while it is being started: the state it leads to is looked at afterwards.
    if (notify === null || isReconciling) return;
    isReconciling = true;
    try {
      for (let seen: DeliveryState | null = null; seen !== state; ) {
        seen = state;
        const work = workOf(seen, rules);
        ensure('stream', work.isStreaming);
        ensure('poll', work.isPolling);
      }
    } finally {
      isReconciling = false;
    }
  }

  function ensure(name: keyof typeof tasks, isWanted: boolean): void {
    const stop = stops.get(name);
    if (isWanted && stop === undefined) {
      stops.set(
        name,
        tasks[name](() => state.feed, dispatch),
      );
    } else if (!isWanted && stop !== undefined) {
      stops.delete(name);
      stop();
    }
  }

  function stopAll(): void {
    const running = [...stops.values()];
    stops.clear();
    for (const stop of running) stop();
  }

  const store = createFrameStore<AgentMessagesView>({
    read() {
      view = keepIfSame(view, viewOf(state, rules));
      return view;
    },
    attach(changed) {
      notify = changed;
      reconcile();
      changed();
      return () => {
        notify = null;
        stopAll();
      };
    },
  });

  return {
    ...store,
    disconnect: () => dispatch({ type: 'paused' }),
    reconnect() {
      stopAll();
      dispatch({ type: 'resumed' });
    },
    feed: () => state.feed,
  };
}

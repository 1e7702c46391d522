// The options of `useRealtimeAgentMessages`: their defaults, which of them make another feed, and how a store
// is put together from them.

import { type Client, type ClientOptions, createClient } from '@millrace/client';
import type { Feed } from './agent-messages-fold.ts';
import type { DeliveryRules } from './agent-messages-machine.ts';
import { type AgentMessagesStore, createAgentMessagesStore } from './agent-messages-store.ts';
import { type ClientLease, pollTask, streamTask } from './agent-messages-tasks.ts';

export interface UseRealtimeAgentMessagesOptions {
  /** Whose messages. Default: every agent's. */
  readonly agentIds?: readonly string[] | undefined;
  /** False: no streaming of any kind (WebSocket, SSE, long-poll). Default true. */
  readonly enableSSE?: boolean | undefined;
  /** Timed polls while no link is up, and instead of streaming where that is off. Default true. */
  readonly enableFallbackPolling?: boolean | undefined;
  /** Milliseconds between timed polls, at least 1,000. Default 45,000. */
  readonly fallbackPollInterval?: number | undefined;
  /** The newest so many of each agent are held. Default 20. */
  readonly maxMessagesPerAgent?: number | undefined;
  /** The polling endpoint. Default `/api/chat/messages`. */
  readonly messagesUrl?: string | undefined;
  /** The hub, where there is no `MillraceProvider`. Default `/realtime`. */
  readonly realtimeUrl?: string | undefined;
  /** More for the client that is made where there is no provider, such as `token`. Read when it is made. */
  readonly clientOptions?: Omit<ClientOptions, 'url'> | undefined;
  /** How polls are sent, for headers of one's own. Default: the global `fetch`. Read with the other options. */
  readonly fetch?: typeof fetch | undefined;
}

/** Spec A7: a failure is noticed within 5 s, so the hook's own client asks for this beat (dead at 4.5 s). */
const BEAT_MS = 2_000;
const DEFAULT_INTERVAL_MS = 45_000;
const MIN_INTERVAL_MS = 1_000;

/** Equal keys, equal behaviour; equal `feed`, the same messages, which then pass to the next store. */
export function keysOf(
  options: UseRealtimeAgentMessagesOptions,
  shared: Client | null,
): { readonly feed: readonly unknown[]; readonly delivery: readonly unknown[] } {
  const { messagesUrl, realtimeUrl } = addressesOf(options);
  const agents = options.agentIds === undefined ? null : JSON.stringify(options.agentIds);
  const { isStreamingEnabled, isPollingEnabled, maxPerAgent } = rulesOf(options);
  return {
    feed: [shared, messagesUrl, realtimeUrl, agents, maxPerAgent],
    delivery: [isStreamingEnabled, isPollingEnabled, intervalOf(options)],
  };
}

/** Starts nothing until the first listener. */
export function storeOf(
  options: UseRealtimeAgentMessagesOptions,
  shared: Client | null,
  feed: Feed | null,
): AgentMessagesStore {
  const { messagesUrl, realtimeUrl } = addressesOf(options);
  const rules = rulesOf(options);
  const lease = (): ClientLease => {
    if (shared !== null) return { client: shared, release: () => undefined };
    const client = createClient({ beatMs: BEAT_MS, ...options.clientOptions, url: realtimeUrl });
    return { client, release: () => void client.close() };
  };
  const polls = { messagesUrl, intervalMs: intervalOf(options), fetch: options.fetch };
  const tasks = { stream: streamTask(lease, rules), poll: pollTask(polls, rules) };
  const store = createAgentMessagesStore(rules, tasks, feed);
  return {
    ...store,
    reconnect() {
      store.reconnect();
      // A client of one's own has just been made anew; the page's waits out its backoff unless told.
      shared?.retryNow();
    },
  };
}

function rulesOf(options: UseRealtimeAgentMessagesOptions): DeliveryRules {
  const max = Math.floor(options.maxMessagesPerAgent ?? 20);
  return {
    agentIds: options.agentIds ?? null,
    maxPerAgent: Math.max(1, Number.isFinite(max) ? max : 20),
    isStreamingEnabled: options.enableSSE ?? true,
    isPollingEnabled: options.enableFallbackPolling ?? true,
  };
}

function addressesOf({
  messagesUrl = '/api/chat/messages',
  realtimeUrl = '/realtime',
}: UseRealtimeAgentMessagesOptions): { messagesUrl: string; realtimeUrl: string } {
  return { messagesUrl, realtimeUrl };
}

function intervalOf({
  fallbackPollInterval = DEFAULT_INTERVAL_MS,
}: UseRealtimeAgentMessagesOptions): number {
  return Number.isFinite(fallbackPollInterval)
    ? Math.max(MIN_INTERVAL_MS, fallbackPollInterval)
    : DEFAULT_INTERVAL_MS;
}

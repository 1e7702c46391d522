// The two pieces of work behind an agents' feed: the subscription to the channel, and the timed polls.
// Own no decision when to run; each begins where the feed stands, so that nothing is lost or told twice.

import type { Client } from '@millrace/client';
import { agentMessages } from '@millrace/protocol/channels';
import type { FeedRules } from './agent-messages-fold.ts';
import { fetchMessages, messagesAddress } from './agent-messages-page.ts';
import type { StartTask } from './agent-messages-store.ts';
import { startPolling } from './polling.ts';

const MAX_HISTORY = 200;
/** The channel carries every agent's messages: a page that shows one of them asks for the others' share too. */
const ASSUMED_AGENTS = 10;
/** The verdict comes before its events: an empty list is believed only when none have followed for this long. */
const SETTLE_MS = 150;
/** Pages of one poll, far more than the channel keeps: an end for a server that always says there is more. */
const MAX_PAGES = 50;

/** A client for as long as a subscription needs it; `release` closes one that was made for it. */
export interface ClientLease {
  readonly client: Client;
  release(): void;
}

export function streamTask(lease: () => ClientLease, rules: FeedRules): StartTask {
  const agents = Math.max(rules.agentIds?.length ?? 0, ASSUMED_AGENTS);
  const last = Math.min(MAX_HISTORY, agents * rules.maxPerAgent);

  return (feed, dispatch) => {
    const { client, release } = lease();
    let settleTimer: ReturnType<typeof setTimeout> | undefined;
    const unsubscribe = client.subscribe(agentMessages.of(), {
      start: feed().position ?? { last },
      onEvent: (event, cursor) => dispatch({ type: 'message', message: event.data, cursor }),
      onVerdict(verdict) {
        dispatch({ type: 'verdict', verdict });
        clearTimeout(settleTimer);
        settleTimer = setTimeout(() => dispatch({ type: 'settled' }), SETTLE_MS);
      },
    });
    const reportLink = (): void => dispatch({ type: 'link', status: client.status.getSnapshot() });
    const unwatch = client.status.subscribe(reportLink);
    reportLink();
    return () => {
      clearTimeout(settleTimer);
      unwatch();
      unsubscribe();
      release();
    };
  };
}

export interface PollTaskOptions {
  readonly messagesUrl: string;
  readonly intervalMs: number;
  /** Default: the global one, looked up at each poll. */
  readonly fetch: typeof fetch | undefined;
}

/** Polls from the feed's position, page after page while there is more. */
export function pollTask(options: PollTaskOptions, rules: FeedRules): StartTask {
  return (feed, dispatch) =>
    startPolling({
      intervalMs: options.intervalMs,
      async ask(signal) {
        for (let pages = 0; pages < MAX_PAGES; pages += 1) {
          const asked = feed().position;
          const address = messagesAddress(options.messagesUrl, rules.agentIds, asked);
          const page = await fetchMessages(options.fetch ?? globalThis.fetch, address, signal);
          // A stream that came up in the meantime tells the same from the same place.
          if (signal.aborted) return;
          dispatch({ type: 'page', asked, page });
          if (!page.hasMore || feed().position === asked) return;
        }
      },
      onFailure: (error) => dispatch({ type: 'poll-failed', error: error.message }),
    });
}

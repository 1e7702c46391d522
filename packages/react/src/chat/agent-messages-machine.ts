// How an agents' feed is being delivered: one state, one pure step, and the work that a state calls for.
// No clock, no client, no fetch in here. Owns the rule when to stream and when to poll (spec A5, A7):
//
//   waiting ──open──▶ up ──lost──▶ down ──open──▶ up        stream: always while enabled
//      └──failed, slow──────────────▲                       poll: only while down, or with streaming off

import type { ConnectionStatus } from '@millrace/client';
import type { Cursor, Verdict } from '@millrace/protocol';
import type { AgentMessage } from '@millrace/protocol/channels';
import {
  type Feed,
  type FeedRules,
  foldPage,
  foldPosition,
  foldStreamed,
} from './agent-messages-fold.ts';
import type { MessagesPage } from './agent-messages-page.ts';

export interface DeliveryRules extends FeedRules {
  readonly isStreamingEnabled: boolean;
  readonly isPollingEnabled: boolean;
}

export type PollOutcome =
  | { readonly poll: 'asking' }
  | { readonly poll: 'answered' }
  | { readonly poll: 'failed'; readonly error: string };

export interface DeliveryState {
  readonly feed: Feed;
  readonly link: ConnectionStatus;
  /** `waiting`: the first link has not failed yet, so polling would only be a second request for the same. */
  readonly phase: 'waiting' | 'up' | 'down';
  /** The channel's refusal. The link may be fine. */
  readonly denial: string | null;
  /** How polling goes; `asking` from its start to its first answer. */
  readonly outcome: PollOutcome;
  /** Somebody asked to disconnect. */
  readonly isPaused: boolean;
  /** A list that is empty now is empty because there is nothing. */
  readonly isSettled: boolean;
}

export type DeliveryEvent =
  | { readonly type: 'link'; readonly status: ConnectionStatus }
  | { readonly type: 'verdict'; readonly verdict: Verdict }
  | { readonly type: 'message'; readonly message: AgentMessage; readonly cursor: Cursor }
  | { readonly type: 'page'; readonly asked: Cursor | null; readonly page: MessagesPage }
  | { readonly type: 'poll-failed'; readonly error: string }
  | { readonly type: 'settled' }
  | { readonly type: 'paused' }
  | { readonly type: 'resumed' };

export interface Work {
  readonly isStreaming: boolean;
  readonly isPolling: boolean;
}

export function initialDelivery(feed: Feed, isSettled: boolean): DeliveryState {
  return {
    feed,
    link: { status: 'idle' },
    phase: 'waiting',
    denial: null,
    outcome: { poll: 'asking' },
    isPaused: false,
    isSettled,
  };
}

/** What should be running in this state. */
export function workOf(state: DeliveryState, rules: DeliveryRules): Work {
  if (state.isPaused) return { isStreaming: false, isPolling: false };
  const isUncovered = !rules.isStreamingEnabled || state.phase === 'down';
  return {
    isStreaming: rules.isStreamingEnabled,
    isPolling: rules.isPollingEnabled && isUncovered,
  };
}

export function stepDelivery(
  state: DeliveryState,
  event: DeliveryEvent,
  rules: DeliveryRules,
): DeliveryState {
  switch (event.type) {
    case 'link':
      return stepLink(state, event.status);
    case 'verdict':
      if ('error' in event.verdict) {
        return { ...state, denial: event.verdict.error.message, isSettled: true };
      }
      return { ...state, denial: null, feed: foldPosition(state.feed, event.verdict.cursor) };
    case 'message': {
      const feed = foldStreamed(state.feed, event.message, event.cursor, rules);
      return { ...state, feed, isSettled: true };
    }
    case 'page': {
      const feed = foldPage(state.feed, event.asked, event.page, rules) ?? state.feed;
      return { ...state, feed, outcome: { poll: 'answered' }, isSettled: true };
    }
    case 'poll-failed':
      return { ...state, outcome: { poll: 'failed', error: event.error }, isSettled: true };
    case 'settled':
      return { ...state, isSettled: true };
    case 'paused':
      return { ...state, isPaused: true, link: { status: 'idle' }, phase: 'waiting' };
    case 'resumed':
      return { ...state, isPaused: false, denial: null, outcome: { poll: 'asking' } };
  }
}

function stepLink(state: DeliveryState, link: ConnectionStatus): DeliveryState {
  const phase = nextPhase(state.phase, link);
  if (phase === state.phase) return { ...state, link };
  // A new failure begins a new round of polling: the last round's answer says nothing about this one.
  return { ...state, link, phase, outcome: { poll: 'asking' } };
}

function nextPhase(phase: DeliveryState['phase'], link: ConnectionStatus): DeliveryState['phase'] {
  switch (link.status) {
    case 'open':
      return 'up';
    case 'closed':
      // Closed without an error: the application closed its client, which is no failure to make up for.
      return link.error === null ? 'waiting' : 'down';
    case 'connecting':
      return phase !== 'waiting' || hasFailed(link) ? 'down' : 'waiting';
    case 'idle':
      return 'waiting';
  }
}

/** An error alone is no failure: one carrier of the first race may have failed while the next is about to open. */
function hasFailed(link: Extract<ConnectionStatus, { status: 'connecting' }>): boolean {
  return link.attempt > 1 || link.nextTryAt !== null || link.isSlow;
}

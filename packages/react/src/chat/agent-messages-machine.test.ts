// When to stream and when to poll, and what a page is told about it.

import type { ConnectionStatus } from '@millrace/client';
import { MillraceError } from '@millrace/protocol';
import { toOffset } from '@millrace/protocol/wire';
import { describe, expect, it } from 'vitest';
import { emptyFeed } from './agent-messages-fold.ts';
import {
  type DeliveryEvent,
  type DeliveryRules,
  type DeliveryState,
  initialDelivery,
  stepDelivery,
  workOf,
} from './agent-messages-machine.ts';
import { viewOf } from './agent-messages-view.ts';

const BOTH: DeliveryRules = {
  agentIds: null,
  maxPerAgent: 20,
  isStreamingEnabled: true,
  isPollingEnabled: true,
};
const STREAM_ONLY = { ...BOTH, isPollingEnabled: false };
const POLL_ONLY = { ...BOTH, isStreamingEnabled: false };
const NEITHER = { ...STREAM_ONLY, isStreamingEnabled: false };

const LOST = new MillraceError('link/lost', 'The link broke.');
const CONNECTING: ConnectionStatus = {
  status: 'connecting',
  attempt: 1,
  nextTryAt: null,
  error: null,
  isSlow: false,
};

const FAILED: ConnectionStatus = { ...CONNECTING, attempt: 2, error: LOST };

function open(transport: 'websocket' | 'sse' | 'poll'): ConnectionStatus {
  const isRealtime = transport !== 'poll';
  return { status: 'open', transport, isRealtime, since: 0, latencyMs: null, notice: null };
}

function link(status: ConnectionStatus): DeliveryEvent {
  return { type: 'link', status };
}

function after(events: readonly DeliveryEvent[], rules: DeliveryRules = BOTH): DeliveryState {
  const start = initialDelivery(emptyFeed(rules), false);
  return events.reduce((state, event) => stepDelivery(state, event, rules), start);
}

function page(): DeliveryEvent {
  return { type: 'page', asked: null, page: { messages: [], next: null, hasMore: false } };
}

describe('work', () => {
  it('streams without polling while the first link is on its way', () => {
    expect(workOf(after([link(CONNECTING)]), BOTH)).toEqual({
      isStreaming: true,
      isPolling: false,
    });
  });

  it('does not poll while another carrier of the first race is being tried', () => {
    expect(workOf(after([link({ ...CONNECTING, error: LOST })]), BOTH).isPolling).toBe(false);
  });

  it.each([
    ['a failed attempt', [link(FAILED)]],
    ['an attempt that waits for the next', [link({ ...CONNECTING, nextTryAt: 1 })]],
    ['taking too long', [link({ ...CONNECTING, isSlow: true })]],
    ['a lost link', [link(open('websocket')), link(CONNECTING)]],
    ['a refusal for good', [link({ status: 'closed', error: LOST, isFinal: true })]],
  ])('polls as well after %s', (_, events) => {
    expect(workOf(after(events), BOTH)).toEqual({ isStreaming: true, isPolling: true });
    expect(workOf(after(events), STREAM_ONLY).isPolling).toBe(false);
  });

  it('goes on polling through further tries until a link is up', () => {
    const down = [link(FAILED), link(CONNECTING)];
    expect(workOf(after(down), BOTH).isPolling).toBe(true);
    expect(workOf(after([...down, link(open('sse'))]), BOTH).isPolling).toBe(false);
  });

  it('never adds timed polls to a long-poll link', () => {
    expect(workOf(after([link(open('poll'))]), BOTH).isPolling).toBe(false);
  });

  it('only polls with streaming off, and does nothing with both off', () => {
    expect(workOf(after([], POLL_ONLY), POLL_ONLY)).toEqual({
      isStreaming: false,
      isPolling: true,
    });
    expect(workOf(after([], NEITHER), NEITHER)).toEqual({ isStreaming: false, isPolling: false });
  });

  it('does nothing after a disconnect, and goes on after a reconnect', () => {
    const paused = after([link(open('sse')), { type: 'paused' }]);
    expect(workOf(paused, BOTH)).toEqual({ isStreaming: false, isPolling: false });
    expect(viewOf(paused, BOTH)).toMatchObject({ status: 'idle', transport: null, error: null });
    expect(workOf(stepDelivery(paused, { type: 'resumed' }, BOTH), BOTH).isStreaming).toBe(true);
  });

  it('does not make up for a client that the application closed', () => {
    const closed = after([
      link(open('sse')),
      link({ status: 'closed', error: null, isFinal: true }),
    ]);
    expect(workOf(closed, BOTH).isPolling).toBe(false);
    expect(viewOf(closed, BOTH).status).toBe('idle');
  });
});

describe('view', () => {
  it.each([
    ['websocket', true],
    ['sse', true],
    ['poll', false],
  ] as const)('names the carrier: %s is real-time: %s', (transport, isRealtime) => {
    const view = viewOf(after([link(open(transport))]), BOTH);
    expect(view).toMatchObject({ status: 'live', transport, isRealtime, error: null });
  });

  it('is polling from the first failure on, and live again by itself', () => {
    const events = [link(open('websocket')), link(FAILED)];
    expect(viewOf(after(events), BOTH)).toMatchObject({
      status: 'polling',
      transport: 'interval',
      isRealtime: false,
      error: null,
      notice: 'The link broke.',
    });
    expect(viewOf(after([...events, link(open('websocket'))]), BOTH).status).toBe('live');
  });

  it('is offline with the reason where polls fail too, until one is answered', () => {
    const failed: DeliveryEvent = { type: 'poll-failed', error: 'No network.' };
    const events = [link(FAILED), failed];
    expect(viewOf(after(events), BOTH)).toMatchObject({ status: 'offline', error: 'No network.' });
    expect(viewOf(after([...events, page()]), BOTH)).toMatchObject({
      status: 'polling',
      error: null,
    });
  });

  it('does not show the last round’s poll failure in the next one', () => {
    const failed: DeliveryEvent = { type: 'poll-failed', error: 'No network.' };
    const again = [link(FAILED), failed, link(open('sse')), link(CONNECTING)];
    expect(viewOf(after(again), BOTH).status).toBe('polling');
  });

  it('is reconnecting with the reason where there is nothing to fall back on', () => {
    const state = after([link(FAILED)], STREAM_ONLY);
    expect(viewOf(state, STREAM_ONLY)).toMatchObject({
      status: 'reconnecting',
      error: 'The link broke.',
    });
  });

  it('says so where both are off', () => {
    const view = viewOf(after([], NEITHER), NEITHER);
    expect(view).toMatchObject({ status: 'idle', isLoading: false, isRealtime: false });
    expect(view.error).toMatch(/switched off/);
  });

  it('is not live on a link whose channel was refused', () => {
    const error = new MillraceError('auth/denied', 'Sign in to read this.');
    const denied = after([
      link(open('websocket')),
      { type: 'verdict', verdict: { verdict: 'denied', error } },
    ]);
    expect(viewOf(denied, BOTH)).toMatchObject({
      status: 'offline',
      transport: null,
      isRealtime: false,
      isLoading: false,
      error: 'Sign in to read this.',
    });
  });

  it('loads until the list is known, not only until the verdict', () => {
    const cursor = { epoch: 'e1', offset: toOffset(0) };
    const verdict: DeliveryEvent = { type: 'verdict', verdict: { verdict: 'exact', cursor } };
    const events = [link(CONNECTING), link(open('sse')), verdict];
    expect(viewOf(after(events), BOTH).isLoading).toBe(true);
    expect(viewOf(after([...events, { type: 'settled' }]), BOTH).isLoading).toBe(false);
    const lost = [...events, { type: 'settled' } as const, link(CONNECTING)];
    expect(viewOf(after(lost), BOTH).isLoading).toBe(false);
  });
});

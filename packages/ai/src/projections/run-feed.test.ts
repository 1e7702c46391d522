// One run, many viewers: read, folded, projected and encoded once, and none of them waits for another.

import {
  aiRuns,
  EMPTY_RUN,
  foldRun,
  type RunState,
  type RunWrite,
  textOfRun,
} from '@millrace/protocol/runs';
import { createHub, type Hub } from '@millrace/server';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { waitFor } from '../testing/run-bed.ts';
import { type RunNews, watchRun } from './run-feed.ts';
import type { Told } from './run-places.ts';

const ids = { conversationId: 'c', messageId: 'm' };
const usage = { inputTokens: 0, outputTokens: 0, isEstimated: false };
const begun: readonly RunWrite[] = [
  { type: 'run-accepted', data: ids },
  { type: 'run-start', data: { ...ids, model: 'any' } },
  { type: 'step-start', data: { part: 0 } },
  { type: 'text-start', data: { part: 1 } },
];
const ended: RunWrite = {
  type: 'run-end',
  data: { status: 'completed', finishReason: 'stop', error: null, ...usage },
};
const said = (text: string): RunWrite => ({ type: 'text-delta', data: { part: 1, text } });
const channel = aiRuns.of({ runId: 'r1' });

let hub: Hub;

beforeEach(() => {
  hub = createHub({ contracts: [aiRuns] });
});
afterEach(() => hub.close());

async function write(events: readonly RunWrite[]): Promise<void> {
  for (const event of events) await hub.publish(channel, event);
  if (events.at(-1) === ended) await hub.end(channel);
}

/** Tells each event as it is, and counts how often it is asked, and how often what it says is made to JSON. */
function counting(key = 'counting') {
  const counts = { projected: 0, encoded: 0 };
  const told: Told = {
    key,
    project(_before, { type, data }) {
      counts.projected += 1;
      return [
        {
          toJSON() {
            counts.encoded += 1;
            return { type, data };
          },
        },
      ];
    },
  };
  return { counts, told };
}

interface Seen {
  readonly items: string[];
  readonly end: Promise<'end' | 'cut'>;
}

/** @param pace waited for before each further piece of news */
function watch(
  told: Told,
  options: { readonly signal?: AbortSignal; readonly pace?: () => Promise<void> } = {},
): Seen {
  const { signal, pace } = options;
  const items: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<'end' | 'cut'>();
  const watching = watchRun(hub, { runId: 'r1', told }, (news) => {
    switch (news.type) {
      case 'begun':
      case 'said':
        items.push(...news.said.items);
        if (pace === undefined) return true;
        void pace().then(() => watching.goOn());
        return false;
      case 'failed':
        reject(news.error);
        return true;
      default:
        resolve(news.type);
        return true;
    }
  });
  signal?.addEventListener('abort', () => {
    watching.leave();
    resolve('cut');
  });
  return { items, end: promise };
}

function stateOf(items: readonly string[]): RunState {
  const events = items.map((item) => JSON.parse(item) as RunWrite);
  return events.reduce((state, event) => foldRun(state, event), EMPTY_RUN);
}

describe('a run that many watch', () => {
  test('VIEW-1: for fifty viewers each event is projected and encoded once, and the channel is read once', async () => {
    const { counts, told } = counting();
    const viewers = Array.from({ length: 50 }, () => watch(told));
    await waitFor('the reader', () => hub.stats().subscriptions > 0);
    expect(hub.stats().subscriptions).toBe(1);
    const words = Array.from({ length: 40 }, (_, n) => said(`${n} `));
    await write([...begun, ...words, ended]);
    for (const { end } of viewers) expect(await end).toBe('end');
    const events = begun.length + words.length + 1;
    expect(counts).toEqual({ projected: events, encoded: events });
    for (const { items } of viewers) expect(items).toEqual(viewers[0]?.items);
    expect(textOfRun(stateOf(viewers[0]?.items ?? []))).toBe(words.map((w) => textOf(w)).join(''));
    expect(hub.stats().subscriptions).toBe(0);
  });

  test('VIEW-1: those who come late at one place are told the same, which is made once', async () => {
    const { counts, told } = counting();
    const stays = watch(told);
    await write([...begun, said('a'), said('b')]);
    await waitFor('all of it', () => stays.items.length === 6);
    const before = { ...counts };
    const late = Array.from({ length: 20 }, () => watch(told));
    await waitFor('all of them', () => late.every(({ items }) => items.length > 0));
    // Five events: both deltas are one.
    expect(counts.projected - before.projected).toBe(5);
    await write([said('c'), ended]);
    for (const { items, end } of [stays, ...late]) {
      expect(await end).toBe('end');
      expect(textOfRun(stateOf(items))).toBe('abc');
    }
    expect(counts.projected - before.projected).toBe(7);
  });

  test('VIEW-1: what has another key is made for itself', async () => {
    const [one, other] = [counting('one'), counting('other')];
    const viewers = [watch(one.told), watch(other.told)];
    await waitFor('the reader', () => hub.stats().subscriptions === 1);
    await write([...begun, ended]);
    for (const { end } of viewers) expect(await end).toBe('end');
    expect(one.counts.projected).toBe(5);
    expect(other.counts.projected).toBe(5);
  });

  test('VIEW-1: a slow viewer holds nobody up and has everything; one that is too far behind is cut off', async () => {
    const { told } = counting();
    const release = Promise.withResolvers<void>();
    const slow = watch(told, { pace: () => release.promise });
    const quick = watch(told);
    await waitFor('both', () => quick.items.length === 0 && hub.stats().subscriptions === 1);
    await write([...begun, ...Array.from({ length: 100 }, () => said('x'))]);
    await waitFor('the quick one', () => quick.items.length === 104);
    expect(slow.items.length).toBeLessThan(5);
    release.resolve();
    await waitFor('the slow one', () => slow.items.length === 104);

    const stuck = watch(told, { pace: () => new Promise(() => undefined) });
    await waitFor('it', () => stuck.items.length > 0);
    const many = Array.from({ length: 2_001 }, () => ({ channel, event: said('y') }));
    for (let at = 0; at < many.length; at += 500) await hub.publishMany(many.slice(at, at + 500));
    await waitFor('the quick one', () => quick.items.length === 2_105);
    // Although it takes nothing in: what it has not had would be kept for it.
    expect(await stuck.end).toBe('cut');
    await write([ended]);
    expect(await quick.end).toBe('end');
  });

  test('VIEW-1: who left is told nothing, and who resumes is told first what it missed', async () => {
    const { told } = counting();
    await write([...begun, said('a')]);
    const stays = watch(told);
    await waitFor('the reader', () => stays.items.length > 0);
    const news: string[] = [];
    const tell = ({ type }: RunNews): boolean => {
      news.push(type);
      return true;
    };
    const left = watchRun(hub, { runId: 'r1', told }, tell);
    left.leave();
    left.goOn();
    const missed = Promise.withResolvers<string>();
    const resume = { after: null, begin: () => missed.promise };
    const resuming = watchRun(hub, { runId: 'r1', told, resume }, tell);
    await write([said('b')]);
    await waitFor('it elsewhere', () => stays.items.length === 6);
    // As a reader does that has just taken in what it was sent at first.
    resuming.goOn();
    expect(news).toEqual([]);
    missed.resolve('data: missed\n\n');
    await waitFor('both', () => news.length === 2);
    expect(news).toEqual(['begun', 'said']);
    await write([ended]);
    expect(await stays.end).toBe('end');
    await waitFor('its end', () => news.length === 4);
    expect(news.slice(2)).toEqual(['said', 'end']);
  });

  test('VIEW-1: where nothing of a run is nobody waits without end; a run that has begun is waited for', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { told } = counting();
      const none = watch(told);
      await vi.waitUntil(() => hub.stats().subscriptions === 1);
      vi.advanceTimersByTime(14_000);
      const late = watch(told);
      vi.advanceTimersByTime(1_500);
      expect(await Promise.all([none.end, late.end])).toEqual(['cut', 'cut']);
      const one = watch(told);
      await vi.waitUntil(() => hub.stats().subscriptions === 1);
      await write(begun);
      vi.advanceTimersByTime(60_000);
      await write([ended]);
      expect(await one.end).toBe('end');
    } finally {
      vi.useRealTimers();
    }
  });

  test('VIEW-1: the last viewer takes the reader with it, and a closed hub cuts all off', async () => {
    const { told } = counting();
    const halts = [new AbortController(), new AbortController()];
    const viewers = halts.map(({ signal }) => watch(told, { signal }));
    await waitFor('the reader', () => hub.stats().subscriptions === 1);
    halts[0]?.abort();
    expect(await viewers[0]?.end).toBe('cut');
    expect(hub.stats().subscriptions).toBe(1);
    halts[1]?.abort();
    expect(await viewers[1]?.end).toBe('cut');
    await waitFor('nobody', () => hub.stats().subscriptions === 0);
    const last = watch(told);
    await waitFor('the reader', () => hub.stats().subscriptions === 1);
    await hub.close();
    expect(await last.end).toBe('cut');
    // Requests come until the server is closed, too.
    expect(await watch(told).end).toBe('cut');
    expect(await watch(told).end).toBe('cut');
  });
});

function textOf(event: RunWrite): string {
  return event.type === 'text-delta' ? event.data.text : '';
}

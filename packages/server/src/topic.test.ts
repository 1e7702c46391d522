// A topic between ticks: what is taken but not sent yet, what comes while it loads, what others share.

import { DEFAULT_LIMITS } from '@millrace/protocol';
import { toOffset } from '@millrace/protocol/wire';
import { expect, test } from 'vitest';
import type { TopicReader } from './audience.ts';
import { memoryEngine } from './engines/memory/memory-engine.ts';
import type { Log, LogPage } from './seams/log.ts';
import { openNotes } from './testing/test-channels.ts';
import { waitUntil } from './testing/waiting.ts';
import { createTick } from './tick.ts';
import { Topic } from './topic.ts';

const name = 'open_notes:1';
const body = '"type":"note","data":{"text":"a"}';

interface Opened {
  readonly topic: Topic;
  readonly reads: number[];
}

function open(log: Log): Opened {
  const reads: number[] = [];
  const watched: Log = {
    ...log,
    read(channel, after, size) {
      reads.push(after);
      return log.read(channel, after, size);
    },
  };
  const topic = new Topic({
    name,
    contract: openNotes,
    log: watched,
    isLocal: false,
    limits: DEFAULT_LIMITS,
    timers: { after: () => () => undefined },
    tick: createTick(() => undefined),
    onError(error) {
      throw error;
    },
    onDelivered: () => undefined,
    onPressure: () => undefined,
    onLoaded: () => undefined,
  });
  return { topic, reads };
}

function seat(): TopicReader & { readonly got: string[] } {
  const got: string[] = [];
  return {
    got,
    slot: -1,
    offer: ([frame]) => got.push(...(frame.batch?.entries ?? []).map((one) => `${one.offset}`)) > 0,
    fallBehind: () => got.push('fell behind'),
    look: () => got.push('look'),
    end: () => got.push('end'),
  };
}

const entries = (...offsets: number[]) =>
  offsets.map((offset) => ({ offset: toOffset(offset), text: `{"offset":${offset}}` }));

test('SUB-7: whoever joins between the taking of an event and its sending gets it once', async () => {
  const { log } = memoryEngine();
  const { topic } = open(log);
  await topic.loaded();
  const epoch = topic.view()?.epoch ?? '';
  const early = seat();
  topic.join(early);
  topic.hinted({ epoch, head: toOffset(1), isEnded: false, entries: entries(1) });
  // It looks, reads the event as its past, and joins at a head of 1: the sending must be over by then.
  expect(topic.view()?.head).toBe(1);
  const late = seat();
  topic.join(late);
  topic.hinted({ epoch, head: toOffset(2), isEnded: false, entries: entries(2) });
  await Promise.resolve();
  expect(early.got).toEqual(['1', '2']);
  expect(late.got).toEqual(['2']);
});

test('EVT-1: what is appended while a topic loads is not lost, although its hint came too early', async () => {
  const { log } = memoryEngine();
  const { promise, resolve } = Promise.withResolvers<void>();
  let isFirst = true;
  const slow: Log = {
    ...log,
    async read(channel, after, size): Promise<LogPage> {
      const page = log.read(channel, after, size);
      if (isFirst) {
        isFirst = false;
        await promise;
      }
      return page;
    },
  };
  const { topic } = open(slow);
  const [outcome] = await log.append([{ channel: name, body }]);
  if (outcome === undefined || 'error' in outcome) throw new Error('not appended');
  topic.hinted({ epoch: outcome.cursor.epoch, head: toOffset(1), isEnded: false, entries: [] });
  resolve();
  await waitUntil('the event', () => topic.view()?.head === 1);
  expect(topic.view()?.head).toBe(1);
});

test('SUB-8: readers at one place share one read; a question about the head is asked anew', async () => {
  const { log } = memoryEngine();
  await log.append([
    { channel: name, body },
    { channel: name, body },
  ]);
  const { topic, reads } = open(log);
  await topic.loaded();
  reads.length = 0;
  const pages = await Promise.all([0, 0, 0].map(async () => topic.read(toOffset(0))));
  const frames = pages.map((page) => typeof page === 'object' && page.frame);
  expect(new Set(frames).size).toBe(1);
  expect(frames[0]).toBeTruthy();
  expect(reads).toEqual([0]);
  await Promise.all([2, 2].map(async (after) => topic.read(toOffset(after))));
  expect(reads).toEqual([0, 2, 2]);
});

test('EVT-2: a page from memory is built once for all at that place', async () => {
  const { log } = memoryEngine();
  const { topic, reads } = open(log);
  await topic.loaded();
  const epoch = topic.view()?.epoch ?? '';
  topic.hinted({ epoch, head: toOffset(2), isEnded: false, entries: entries(1, 2) });
  reads.length = 0;
  expect(topic.read(toOffset(0))).toBe(topic.read(toOffset(0)));
  expect(reads).toEqual([]);
});

test('SUB-8: a page that was read for others some time ago is no news of a log that went back', async () => {
  const { log } = memoryEngine();
  for (let index = 0; index < 3; index += 1) await log.append([{ channel: name, body }]);
  const { topic, reads } = open(log);
  await topic.loaded();
  const live = seat();
  topic.join(live);
  const epoch = topic.view()?.epoch ?? '';
  await topic.read(toOffset(1));
  topic.hinted({ epoch, head: toOffset(4), isEnded: false, entries: entries(4) });
  reads.length = 0;
  const page = await topic.read(toOffset(1));
  expect(page).toMatchObject({ begin: 1, last: 3 });
  expect(reads).toEqual([]);
  expect(live.got).toEqual(['4']);
});

test('SUB-8: a burst of one tick goes out in frames of a page each', async () => {
  const { log } = memoryEngine();
  const { topic } = open(log);
  await topic.loaded();
  const sizes: number[] = [];
  topic.join({
    ...seat(),
    offer([frame]) {
      sizes.push(frame.text.length);
      return true;
    },
  });
  const large = Array.from({ length: 10 }, (_, index) => ({
    offset: toOffset(index + 1),
    text: `{"offset":${index + 1},"data":"${'x'.repeat(20_000)}"}`,
  }));
  const epoch = topic.view()?.epoch ?? '';
  topic.hinted({ epoch, head: toOffset(10), isEnded: false, entries: large });
  await Promise.resolve();
  expect(sizes).toHaveLength(4);
  expect(Math.max(...sizes)).toBeLessThan(DEFAULT_LIMITS.maxPageBytes + 200);
});

test('SUB-1: a hint that lies about the head is forgotten once the log was read', async () => {
  const { log } = memoryEngine();
  await log.append([{ channel: name, body }]);
  const { topic } = open(log);
  await topic.loaded();
  const epoch = topic.view()?.epoch ?? '';
  topic.hinted({ epoch, head: toOffset(9), isEnded: false, entries: [] });
  expect(topic.view()).toMatchObject({ head: 1, heard: 9 });
  await waitUntil('the log was read', () => topic.view()?.heard === 1);
});

// When a topic is loaded, and when it is dropped.

import { DEFAULT_LIMITS } from '@millrace/protocol';
import { toOffset } from '@millrace/protocol/wire';
import { expect, test } from 'vitest';
import { memoryEngine } from './engines/memory/memory-engine.ts';
import type { Timers } from './seams/timers.ts';
import { openNotes } from './testing/test-channels.ts';
import { waitFor } from './testing/waiting.ts';
import { createTick } from './tick.ts';
import { createTopics, type Topics } from './topics.ts';

/** Timers that run when the test says so. */
function manualTimers(): Timers & { pass(): void } {
  let waiting: (() => void)[] = [];
  return {
    after(_delayMs, run) {
      waiting.push(run);
      return () => {
        waiting = waiting.filter((one) => one !== run);
      };
    },
    pass() {
      const due = waiting;
      waiting = [];
      for (const run of due) run();
    },
  };
}

function createTest(): {
  topics: Topics;
  timers: ReturnType<typeof manualTimers>;
  log: ReturnType<typeof memoryEngine>['log'];
} {
  const { log: engineLog } = memoryEngine();
  // Hints never come.
  const log = { ...engineLog, watch: () => () => undefined };
  const timers = manualTimers();
  const onError = (error: Error): never => {
    throw error;
  };
  const topics = createTopics({
    log,
    isLocal: true,
    limits: DEFAULT_LIMITS,
    timers,
    tick: createTick(() => undefined),
    onError,
    onDelivered: () => undefined,
    onPressure: () => undefined,
    onLoaded: () => undefined,
  });
  return { topics, timers, log };
}

const name = 'open_notes:1';

test('a topic outlives its last reader for a moment, then it is dropped', () => {
  const { topics, timers } = createTest();
  const topic = topics.acquire(name, openNotes);
  topics.release(name);
  expect(topics.count).toBe(1);
  expect(topics.acquire(name, openNotes)).toBe(topic);
  timers.pass();
  expect(topics.count).toBe(1);
  topics.release(name);
  timers.pass();
  expect(topics.count).toBe(0);
  expect(topics.find(name)).toBeNull();
});

test('EVT-1: what no hint told of is found by looking at the log', async () => {
  const { topics, timers, log } = createTest();
  const topic = topics.acquire(name, openNotes);
  await waitFor('the topic', () => topic.view() ?? undefined);
  await log.append([{ channel: name, body: '"type":"note","data":{"text":"a"}' }]);
  expect(topic.view()?.head).toBe(toOffset(0));
  timers.pass();
  await waitFor('the event', () => (topic.view()?.head === 1 ? true : undefined));
});

// The end of a tick: who goes together, who goes first.

import { expect, test } from 'vitest';
import { createTick } from './tick.ts';

const nextTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('EVT-2: topics that moved in one tick go together, and then the links that gathered', async () => {
  const tick = createTick(() => undefined);
  const order: string[] = [];
  const link = { flush: () => void order.push('link') };
  tick.moved({
    flush() {
      order.push(`one ${tick.isJoining}`);
      tick.gathered(link);
    },
  });
  tick.moved({ flush: () => void order.push(`two ${tick.isJoining}`) });
  expect(order).toEqual([]);
  await Promise.resolve();
  expect(order).toEqual(['one true', 'two true', 'link']);
  expect(tick.isJoining).toBe(false);
  await nextTick();
  expect(order.length).toBe(3);
});

test('EVT-2: a topic that moved alone makes nobody gather', async () => {
  const tick = createTick(() => undefined);
  const seen: boolean[] = [];
  tick.moved({ flush: () => void seen.push(tick.isJoining) });
  await Promise.resolve();
  tick.moved({ flush: () => void seen.push(tick.isJoining) });
  await Promise.resolve();
  expect(seen).toEqual([false, false]);
});

test('LINK-3: a link that is told something sends it at the end of the tick, without any topic', async () => {
  const tick = createTick(() => undefined);
  let flushes = 0;
  tick.gathered({
    flush() {
      flushes += 1;
    },
  });
  await Promise.resolve();
  expect(flushes).toBe(0);
  await nextTick();
  expect(flushes).toBe(1);
});

test('EVT-1: a topic that fails keeps nobody else back, and is reported', async () => {
  const errors: string[] = [];
  const tick = createTick((error) => errors.push(error.code));
  let isSent = false;
  tick.moved({
    flush() {
      throw new Error('a defect');
    },
  });
  tick.moved({
    flush() {
      isSent = true;
    },
  });
  await Promise.resolve();
  expect([isSent, errors]).toEqual([true, ['server/internal']]);
});

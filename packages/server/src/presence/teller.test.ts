// What goes to the bus: in order, and not more at a time than it bears.

import { MillraceError } from '@millrace/protocol';
import { expect, test } from 'vitest';
import { createTeller } from './teller.ts';

/** A bus that takes what it is told when the test says so. */
function slowBus() {
  const taken: string[] = [];
  const waiting: (() => void)[] = [];
  const errors: string[] = [];
  let refusal: MillraceError | null = null;
  const teller = createTeller({
    bus: {
      async publish(_topic, text) {
        await new Promise<void>((resolve) => waiting.push(resolve));
        if (refusal !== null) throw refusal;
        taken.push(text);
      },
    },
    onError: ({ code }) => errors.push(code),
  });
  return {
    teller,
    taken,
    errors,
    inHand: () => waiting.length,
    refuse(error: MillraceError | null) {
      refusal = error;
    },
    async take(count: number) {
      for (const resolve of waiting.splice(0, count)) resolve();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

const text = (name: string): string => name.padEnd(200_000, '.');

test('PRES-9: a long state is told as fast as the bus takes it, in order, what comes later behind it', async () => {
  const { teller, taken, inHand, take } = slowBus();
  const names = Array.from({ length: 30 }, (_, at) => `page-${at}`);
  let beats = 0;
  for (const name of names) teller.tell('room', text(name));
  teller.tell('all', 'beat', () => (beats += 1));
  let most = 0;
  for (let turn = 0; turn < 40; turn += 1) {
    most = Math.max(most, inHand());
    await take(1);
  }
  expect(most).toBeLessThanOrEqual(3);
  expect(taken).toEqual([...names.map(text), 'beat']);
  expect(beats).toBe(1);
  await teller.idle();
});

test('PRES-9: where the bus refuses, what waits is given up, and the next goes out again', async () => {
  const { teller, taken, errors, refuse, take } = slowBus();
  for (let at = 0; at < 20; at += 1) teller.tell('room', text(`page-${at}`));
  refuse(new MillraceError('engine/unavailable', 'gone'));
  await take(10);
  expect(new Set(errors)).toEqual(new Set(['engine/unavailable']));
  refuse(null);
  await take(10);
  expect(taken).toEqual([]);
  teller.tell('room', 'a beat');
  const idle = teller.idle();
  await take(1);
  await idle;
  expect(taken).toEqual(['a beat']);
});

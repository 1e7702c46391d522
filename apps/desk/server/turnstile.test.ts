// Heavy work a few at a time: who comes when it is full is told when to come back, and a place is free again after a failure.

import { expect, test } from 'vitest';
import { createTurnstile } from './turnstile.ts';

test('what comes when all places are taken is sent away, until one is free', async () => {
  const turnstile = createTurnstile(2);
  const gates = [Promise.withResolvers<number>(), Promise.withResolvers<number>()] as const;
  const working = gates.map(({ promise }) => turnstile(() => promise));
  const refusal = { code: 'server/overloaded', details: { retryAfterMs: expect.any(Number) } };
  await expect(turnstile(async () => 3)).rejects.toMatchObject(refusal);
  gates[0].resolve(1);
  await expect(working[0]).resolves.toBe(1);
  await expect(turnstile(async () => 4)).resolves.toBe(4);
  gates[1].reject(new Error('it failed'));
  await expect(working[1]).rejects.toThrow('it failed');
  await expect(turnstile(async () => 5)).resolves.toBe(5);
});

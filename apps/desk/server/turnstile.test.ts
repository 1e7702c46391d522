// Heavy work a few at a time: who comes when it is full is told when to come back, and a place is free again after a failure.

import { expect, test } from 'vitest';
import { createTurnstile } from './turnstile.ts';

const refusal = {
  code: 'server/overloaded',
  message: expect.stringMatching(/^As many imports /),
  details: { retryAfterMs: expect.any(Number) },
};

test('what comes when all places are taken is sent away, until one is free', async () => {
  const turnstile = createTurnstile({ most: 2, what: 'imports' });
  const gates = [Promise.withResolvers<number>(), Promise.withResolvers<number>()] as const;
  const working = gates.map(({ promise }) => turnstile('ada', () => promise));
  await expect(turnstile('bob', async () => 3)).rejects.toMatchObject(refusal);
  gates[0].resolve(1);
  await expect(working[0]).resolves.toBe(1);
  await expect(turnstile('bob', async () => 4)).resolves.toBe(4);
  gates[1].reject(new Error('it failed'));
  await expect(working[1]).rejects.toThrow('it failed');
  await expect(turnstile('ada', async () => 5)).resolves.toBe(5);
});

test('one user does not take the places of all', async () => {
  const turnstile = createTurnstile({ most: 3, mostOfOne: 1, what: 'imports' });
  const gate = Promise.withResolvers<number>();
  const working = turnstile('ada', () => gate.promise);
  await expect(turnstile('ada', async () => 2)).rejects.toMatchObject(refusal);
  await expect(turnstile('bob', async () => 3)).resolves.toBe(3);
  gate.resolve(1);
  await working;
  await expect(turnstile('ada', async () => 4)).resolves.toBe(4);
});

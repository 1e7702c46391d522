import { access, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { createSeededRandom, seedOfRun } from './seeded-random.ts';
import { freePort, tempFolder, until } from './wait.ts';

test('until resolves with the first truthy value', async () => {
  let looks = 0;
  const value = await until(() => (looks++ < 3 ? undefined : 'there'), { label: 'a value' });
  expect(value).toBe('there');
  expect(looks).toBe(4);
});

test('until names what it waited for, with details and the last error as cause', async () => {
  const waiting = until(
    () => {
      throw new Error('not yet');
    },
    { label: 'the impossible', deadlineMs: 30, details: () => 'some log' },
  );
  await expect(waiting).rejects.toThrow(
    /^gave up waiting for the impossible after 30 ms\nsome log$/,
  );
  await expect(waiting).rejects.toHaveProperty('cause.message', 'not yet');
});

test('until gives up on a condition that never settles', async () => {
  await expect(
    until(() => new Promise<boolean>(() => undefined), { label: 'a hanging look', deadlineMs: 30 }),
  ).rejects.toThrow('gave up waiting for a hanging look');
});

test('until looks at once when its source pokes it', async () => {
  let isReady = false;
  const startedAt = performance.now();
  await until(() => isReady, {
    label: 'the poke',
    everyMs: 4_000,
    deadlineMs: 5_000,
    wake(poke) {
      const timer = setTimeout(() => {
        isReady = true;
        poke();
      }, 20);
      return () => clearTimeout(timer);
    },
  });
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

test('freePort gives a port that can be listened on', async () => {
  const port = await freePort();
  const server = createServer();
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen(port, '127.0.0.1', listening.resolve);
  await listening.promise;
  expect(server.address()).toMatchObject({ port });
  server.close();
});

test('tempFolder removes the folder with its content', async () => {
  let path: string;
  {
    await using folder = await tempFolder();
    path = folder.path;
    await writeFile(join(path, 'a'), 'b');
  }
  await expect(access(path)).rejects.toThrow('ENOENT');
});

test('a seed repeats its sequence and forks do not depend on other draws', () => {
  const draw = (seed: number): number[] => {
    const random = createSeededRandom(seed);
    return Array.from({ length: 50 }, () => random.between(1, 6));
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  expect(new Set(draw(7))).toEqual(new Set([1, 2, 3, 4, 5, 6]));

  const fresh = createSeededRandom(7).fork(3).next();
  const used = createSeededRandom(7);
  used.next();
  expect(used.fork(3).next()).toBe(fresh);
  expect(used.fork(4).next()).not.toBe(fresh);
});

test('the seed of a run is printed, and can be given', () => {
  const printed = vi.spyOn(console, 'info').mockImplementation(() => undefined);
  const seed = seedOfRun('chaos');
  expect(printed).toHaveBeenLastCalledWith(
    `chaos: seed ${seed} (repeat with MILLRACE_SEED=${seed})`,
  );
  vi.stubEnv('MILLRACE_SEED', '42');
  expect(seedOfRun('chaos')).toBe(42);
  vi.stubEnv('MILLRACE_SEED', 'many');
  expect(() => seedOfRun('chaos')).toThrow('MILLRACE_SEED must be a whole number, got many');
  vi.unstubAllEnvs();
  printed.mockRestore();
});

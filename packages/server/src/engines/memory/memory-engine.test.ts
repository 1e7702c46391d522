// Runs the conformance cases on the memory engine, and what is its own: bounded keys, another epoch for each engine.

import { describe, expect, it } from 'vitest';
import { appendOne } from '../../testing/engine-cases/engine-case.ts';
import { by, codesOf } from '../../testing/engine-cases/producer-cases.ts';
import { engineCases, runEngineCase } from '../../testing/engine-cases.ts';
import { memoryEngine } from './memory-engine.ts';

describe('memory engine', () => {
  for (const one of engineCases) {
    it(`${one.rule}: ${one.title}`, async () => {
      expect(await runEngineCase(one, () => ({ engine: memoryEngine() }))).toBe(null);
    });
  }

  it('LOG-11: another engine has another epoch, since it gives out the same offsets again', async () => {
    const [before, after] = [memoryEngine(), memoryEngine()];
    const epochs = await Promise.all([before, after].map(({ log }) => appendOne(log, 'a', 1)));
    expect(epochs[0]?.epoch).not.toBe(epochs[1]?.epoch);
  });

  it('LOG-5: remembers a key for its window and no longer', async () => {
    let now = 1_000_000;
    const { log } = memoryEngine({ keyWindowMs: 600_000, now: () => now });
    expect((await appendOne(log, 'a', 1, 'k')).offset).toBe(1);
    now += 599_999;
    expect((await appendOne(log, 'a', 1, 'k')).offset).toBe(1);
    now += 1;
    expect((await appendOne(log, 'a', 2, 'k')).offset).toBe(2);
  });

  it('LOG-5: keeps no more keys than it may, the newest ones', async () => {
    const { log } = memoryEngine({ maxKeys: 2 });
    for (const key of ['x', 'y', 'z']) await appendOne(log, 'a', key, key);
    expect((await appendOne(log, 'a', 'z', 'z')).offset).toBe(3);
    expect((await appendOne(log, 'a', 'x', 'x')).offset).toBe(4);
  });

  it('LOG-12: remembers a producer for its window after its last event and no longer', async () => {
    let now = 1_000_000;
    const { log } = memoryEngine({ keyWindowMs: 600_000, now: () => now });
    const codes: string[] = [];
    for (const sequence of [1, 2, 3]) {
      codes.push(...codesOf(await log.append([by(1, sequence)])));
      now += 599_999;
    }
    codes.push(...codesOf(await log.append([by(1, 3)])));
    now += 1;
    codes.push(...codesOf(await log.append([by(1, 4), by(1, 1)])));
    expect(codes).toEqual(['ok', 'ok', 'ok', 'repeat', 'publish/sequence-gap', 'ok']);
  });
});

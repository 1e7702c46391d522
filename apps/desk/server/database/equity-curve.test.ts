// The thinned curve: never more points than asked for, both ends, and every extreme of what was left out.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStorage } from '../database-storage.ts';
import type { Storage } from '../storage.ts';
import { fillDataFolder } from '../testing/data-template.ts';
import { uuidv7 } from '../uuid.ts';
import { asUser } from './as-user.ts';
import { readEquity } from './equity-curve.ts';

let folder = '';
let storage: Storage;
let userId = '';
const runId = uuidv7();
const TICKS = 20_000;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'desk-curve-'));
  await fillDataFolder(folder);
  storage = await openStorage(folder);
  userId = (await storage.users.pickOrCreate('Ada')).id;
  await asUser(storage.sql, userId, async (tx) => {
    await tx.query(`insert into desk.models values ('m', '${userId}', null, 'M', 'hold')`);
    await tx.query(`insert into desk.runs values ('${runId}', '${userId}', 'm', 1, null, 'completed',
      1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, now(), now())`);
    // A slow wave with two spikes, each in one tick.
    await tx.query(`insert into desk.equity_points
      select '${runId}', '${userId}', n * 10, timestamptz '2026-01-05' + n * interval '1 second',
        case n when 7777 then 1 when 13131 then 99999 else 1000 + round(100 * sin(n / 500.0)::numeric, 4) end, 5
      from generate_series(1, ${TICKS}) n`);
  });
});
afterAll(async () => {
  await storage.close();
  await rm(folder, { recursive: true, force: true });
});

test.each([10, 11, 500, 5_000])(
  'of 20,000 points at most %i are left, with both spikes',
  async (most) => {
    const user = { id: userId, name: 'Ada', isAdmin: false };
    const { points, total } = await readEquity(storage.sql, user, { modelId: 'm', runId, most });
    expect(total).toBe(TICKS);
    expect(points.length).toBeLessThanOrEqual(most);
    expect(points.length).toBeGreaterThan(most * 0.7);
    const ticks = points.map(({ tick }) => tick);
    expect(ticks).toEqual([...new Set(ticks)].toSorted((one, other) => one - other));
    expect([ticks[0], ticks.at(-1)]).toEqual([10, TICKS * 10]);
    const equity = points.map((point) => point.equity);
    expect([Math.min(...equity), Math.max(...equity)]).toEqual([1, 99_999]);
  },
);

test('where there are no more than asked for, all are there', async () => {
  const user = { id: userId, name: 'Ada', isAdmin: false };
  const place = { modelId: 'm', runId: 'latest', most: TICKS };
  expect((await readEquity(storage.sql, user, place)).points).toHaveLength(TICKS);
});

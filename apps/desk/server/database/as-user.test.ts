// Row-level security through SQL: as another user nothing of mine can be read or written, by whatever statement.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SqlRow } from '@millrace/server/postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStorage } from '../database-storage.ts';
import type { Storage } from '../storage.ts';
import { fillDataFolder } from '../testing/data-template.ts';
import { uuidv7 } from '../uuid.ts';
import { actAs, actAsServer, actForOwners, asUser, FLOOR_USER_ID } from './as-user.ts';

let folder = '';
let storage: Storage;
let mine = '';
let theirs = '';
const myRun = uuidv7();
const theirRun = uuidv7();
const floorRun = uuidv7();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'desk-rls-'));
  await fillDataFolder(folder);
  storage = await openStorage(folder);
  mine = (await storage.users.pickOrCreate('Mine')).id;
  theirs = (await storage.users.pickOrCreate('Theirs')).id;
  await fill(mine, 'my', myRun);
  await fill(theirs, 'their', theirRun);
  await fill(FLOOR_USER_ID, 'floor', floorRun);
});
afterAll(async () => {
  await storage.close();
  await rm(folder, { recursive: true, force: true });
});

const OWNED = [
  ...['accounts', 'models', 'runs', 'positions', 'decisions', 'fills'],
  ...['equity_points', 'rules', 'refusals'],
];

/** One row of each table, written as that user. */
async function fill(user: string, prefix: string, run: string): Promise<void> {
  await as(user, `insert into desk.accounts values ('${prefix}-a', '${user}', 'A', 1, 1)`);
  await as(
    user,
    `insert into desk.models values ('${prefix}-m', '${user}', '${prefix}-a', 'M', 'hold')`,
  );
  await as(
    user,
    `insert into desk.runs values ('${run}', '${user}', '${prefix}-m', 1, null, 'completed',
      1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, now(), now())`,
  );
  for (const row of rowsOf(user, `${prefix}-m`, run)) await as(user, row);
}

function rowsOf(user: string, model: string, run: string, n = 1): readonly string[] {
  return [
    `insert into desk.positions values ('${run}', '${user}', 'S${n}', 1, 1, 1, now())`,
    `insert into desk.decisions values ('${run}', '${user}', ${n}, 1, now(), 1, 0, '{}')`,
    `insert into desk.fills values ('${run}', '${user}', ${n}, 1, 1, 1, now(), 'AAA', 'v', 'buy',
      1, 1, 1, 0, 0, 'taker', 'someone', '')`,
    `insert into desk.equity_points values ('${run}', '${user}', ${n}, now(), 1, 1)`,
    `insert into desk.refusals values ('${run}', '${user}', ${n}, 1, 1, now(), 'AAA', 'v', 'buy',
      1, 'rule', 'why')`,
    `insert into desk.rules values ('${model}', 'r${n}', '${user}', 'stop_loss', '{}')`,
  ];
}

function as(user: string, statement: string): Promise<readonly SqlRow[]> {
  return asUser(storage.sql, user, (tx) => tx.query(statement, []));
}

test('one statement, prepared once, shows the server all rows, each user their own, and the server all again', async () => {
  const all = new Set([mine, theirs, FLOOR_USER_ID]);
  const sql = 'select user_id from desk.accounts';
  const owners = (rows: readonly SqlRow[]) => new Set(rows.map((row) => row['user_id']));
  // Planned for good after a handful of times.
  for (let time = 0; time < 12; time += 1) {
    expect(owners(await storage.sql.query(sql, []))).toEqual(all);
    expect(owners(await as(mine, sql))).toEqual(new Set([mine, FLOOR_USER_ID]));
    expect(owners(await as(theirs, sql))).toEqual(new Set([theirs, FLOOR_USER_ID]));
  }
});

describe.each(OWNED)('%s', (table) => {
  const seen = async (user: string): Promise<Set<unknown>> =>
    new Set((await as(user, `select user_id from desk.${table}`)).map((row) => row['user_id']));

  test('shows each user their own rows and the Floor’s, and to nobody any', async () => {
    expect(await seen(mine)).toEqual(new Set([mine, FLOOR_USER_ID]));
    expect(await seen(theirs)).toEqual(new Set([theirs, FLOOR_USER_ID]));
    expect(await seen('nobody')).toEqual(new Set([FLOOR_USER_ID]));
    expect(await seen(FLOOR_USER_ID)).toEqual(new Set([FLOOR_USER_ID]));
    expect(await seen('')).toEqual(new Set());
  });

  test('lets the Floor’s be read and not written', async () => {
    const where = `where user_id = '${FLOOR_USER_ID}' returning 1`;
    expect(await as(mine, `update desk.${table} set user_id = '${mine}' ${where}`)).toEqual([]);
    expect(await as(mine, `delete from desk.${table} ${where}`)).toEqual([]);
    expect(
      await as(mine, `select 1 from desk.${table} where user_id = '${FLOOR_USER_ID}' for update`),
    ).toEqual([]);
    expect(await as(FLOOR_USER_ID, `update desk.${table} set user_id = user_id ${where}`)).toEqual([
      expect.anything(),
    ]);
  });

  test('is open to the market’s batch for the owners that it names, and for no others', async () => {
    const named = await storage.sql.transaction(async (tx) => {
      await actForOwners(tx, [FLOOR_USER_ID, mine]);
      await tx.query(`update desk.${table} set user_id = user_id where user_id <> ''`);
      const rows = await tx.query(`select distinct user_id from desk.${table} order by 1`);
      await actAs(tx, theirs);
      const then = await tx.query(`select distinct user_id from desk.${table} order by 1`);
      return [rows, then].map((all) => new Set(all.map((row) => row['user_id'])));
    });
    expect(named).toEqual([new Set([FLOOR_USER_ID, mine]), new Set([FLOOR_USER_ID, theirs])]);
  });

  test('lets nobody change, delete, give away or count what is not theirs', async () => {
    const changed = `update desk.${table} set user_id = user_id where user_id = '${theirs}' returning 1`;
    expect(await as(mine, changed)).toEqual([]);
    const deleted = `delete from desk.${table} where user_id = '${theirs}' returning 1`;
    expect(await as(mine, deleted)).toEqual([]);
    const given = `update desk.${table} set user_id = '${theirs}' where user_id = '${mine}'`;
    await expect(as(mine, given)).rejects.toMatchObject({
      code: expect.stringMatching(/^(42501|23503)$/),
    });
    await expect(as(mine, `truncate desk.${table} cascade`)).rejects.toMatchObject({
      code: '42501',
    });
    const [counted] = await as(
      mine,
      `select count(*)::int as n from desk.${table} where user_id <> '${FLOOR_USER_ID}'`,
    );
    expect(counted).toEqual({ n: 1 });
  });
});

test("a row in another user's name is refused", async () => {
  const forged = `insert into desk.accounts values ('forged', '${theirs}', 'A', 1, 1)`;
  await expect(as(mine, forged)).rejects.toMatchObject({ code: '42501' });
});

test.each([
  ['somebody else', 'their-m', theirRun],
  ['the Floor', 'floor-m', floorRun],
])("a row of one's own cannot hang on the run or model of %s", async (_, model, run) => {
  for (const row of rowsOf(mine, model, run, 2)) {
    await expect(as(mine, row)).rejects.toMatchObject({ code: '23503' });
  }
  for (const row of rowsOf(FLOOR_USER_ID, model, run, 3)) {
    await expect(as(mine, row)).rejects.toMatchObject({ code: '42501' });
  }
});

test('without a user nothing is seen, and the role sees no table that is not a user’s', async () => {
  const seen = await storage.sql.transaction(async (tx) => {
    await tx.query('set local role desk_app');
    return tx.query('select * from desk.models', []);
  });
  expect(seen).toEqual([]);
  for (const table of [
    ...['desk.users', 'desk.agent_messages', 'desk.market_snapshots', 'desk.market_commands'],
  ]) {
    await expect(as(mine, `select * from ${table}`)).rejects.toMatchObject({ code: '42501' });
  }
});

test('role and user end with their transaction, also with one that fails', async () => {
  await as(mine, 'select 1/0').catch(() => undefined);
  await storage.sql.transaction((tx) => actAs(tx, mine));
  await storage.sql.transaction((tx) => actForOwners(tx, [mine]));
  const [now] = await storage.sql.query(
    `select current_user <> 'desk_app' as is_free, current_setting('desk.user_id', true) as user_id,
      current_setting('desk.owners', true) as owners`,
    [],
  );
  expect(now?.['is_free']).toBe(true);
  expect([now?.['user_id'] ?? '', now?.['owners'] ?? '']).toEqual(['', '']);
  const [back] = await storage.sql.transaction(async (tx) => {
    await actAs(tx, mine);
    await actAsServer(tx);
    return tx.query(`select current_user <> 'desk_app' as is_free`);
  });
  expect(back?.['is_free']).toBe(true);
});

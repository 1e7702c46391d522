// Prepared statements against PGlite's own `query`, which gives the same and takes longer.

import { PGlite } from '@electric-sql/pglite';
import { readyPglite } from '@millrace/server/testing/servers';
import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from 'vitest';
import { type PreparedStatements, prepareStatements } from './prepared-statements.ts';

let pglite: PGlite;
let statements: PreparedStatements;

beforeAll(async () => {
  pglite = await readyPglite(PGlite);
});
afterAll(() => pglite.close());
beforeEach(async () => {
  await pglite.exec('deallocate all; drop table if exists noted');
  await pglite.exec('create table noted (n int primary key, text text)');
  statements = prepareStatements(pglite);
});

const run: PreparedStatements['run'] = (sql, params) =>
  pglite.runExclusive(() => statements.run(sql, params));

async function namesKept(): Promise<number> {
  const { rows } = await pglite.query<{ count: number }>(
    'select count(*)::int as count from pg_prepared_statements',
  );
  return rows[0]?.count ?? Number.NaN;
}

describe('what is asked, each time,', () => {
  test.each([
    ['nothing', 'select 1 as one', []],
    ['no rows', 'select n from noted where n = $1', [5]],
    ['numbers', 'select $1::int as a, $2::float8 as b, $3::numeric as c', [7, 0.1, '1.50']],
    ['a bigint', 'select $1::int8 as big', ['9007199254740993']],
    ['letters', 'select $1::text as text, length($1) as length', ['é 😀 \\ \' "']],
    ['no value', 'select $1::text as a, $2::int as b', [null, undefined]],
    ['truth', 'select $1::bool as yes, not $1::bool as no', [true]],
    ['JSON', 'select $1::jsonb as a, $2::json as b', [{ a: [1] }, '{"b":null}']],
    [
      'arrays',
      'select $1::text[] as a, $2::int8[] as b',
      [
        ['x', 'y,"'],
        ['1', '2'],
      ],
    ],
    ['bytes', 'select $1::bytea as bytes', [new Uint8Array([0, 255, 7])]],
    [
      'types without a serializer',
      'select $1::uuid as a, $2::interval as b',
      ['0b0b0b0b-0000-4000-8000-000000000000', '1 day'],
    ],
    ['times', 'select $1::timestamptz as at', [new Date('2026-01-02T03:04:05.678Z')]],
    ['rows', 'select n, n * $1::int as m from generate_series(1, 300) as n', [3]],
    ['a row that was written', `insert into noted values ($1, 'x') on conflict do nothing`, [9]],
  ] as const)('is what PGlite gives: %s', async (_, sql, params) => {
    const { rows } = await pglite.query(sql, [...params]);
    expect(await run(sql, params)).toEqual(rows);
    expect(await run(sql, params)).toEqual(rows);
    expect(await namesKept()).toBe(1);
  });
});

test.each([
  ['that cannot be read', 'selekt $1::int', [1]],
  ['of a table that is not there', 'select $1::int from nowhere', [1]],
  ['with a value that is none', 'select $1::int as n', ['seven']],
  ['that divides by nothing', 'select 1 / $1::int as n', [0]],
  ['that breaks a rule', 'insert into noted values ($1, null)', [1]],
] as const)('a statement %s rejects as in PGlite, and harms no other', async (_, sql, params) => {
  await pglite.query(`insert into noted values (1, 'one')`);
  const error = await pglite.query(sql, [...params]).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  const { code, message } = error as { code: string; message: string };
  for (let time = 0; time < 2; time += 1) {
    await expect(run(sql, params)).rejects.toMatchObject({ code, message });
    expect(await run('select text from noted where n = $1', [1])).toEqual([{ text: 'one' }]);
  }
});

test('in a transaction that has failed it is refused, and known again behind it', async () => {
  const sql = 'select n from noted where n = $1';
  await run(sql, [1]);
  await pglite.transaction(async (tx) => {
    await expect(run('select 1 / $1::int', [0])).rejects.toMatchObject({ code: '22012' });
    await expect(run(sql, [1])).rejects.toMatchObject({ code: '25P02' });
    await expect(run('select 2 + $1::int as n', [1])).rejects.toMatchObject({ code: '25P02' });
    await tx.rollback();
  });
  expect(await run('select 2 + $1::int as n', [1])).toEqual([{ n: 3 }]);
  expect(await run(sql, [1])).toEqual([]);
});

test('two hundred are kept, and of those the ones used last', async () => {
  const often = 'select $1::int as often';
  for (let index = 0; index < 300; index += 1) {
    await run(`select $1::int + ${index} as n`, [1]);
    await run(often, [1]);
    await expect(run(`select ${index} / $1::int`, [0])).rejects.toThrow('zero');
  }
  expect(await namesKept()).toBe(200);
  const { rows } = await pglite.query('select from pg_prepared_statements where statement = $1', [
    often,
  ]);
  expect(rows).toHaveLength(1);
  expect(await run('select $1::int + 0 as n', [1])).toEqual([{ n: 1 }]);
});

test('a table that has changed is read as it is now, once its statement was refused or all were forgotten', async () => {
  const sql = 'select * from noted where n = $1';
  await run(`insert into noted values ($1, 'x')`, [1]);
  expect(await run(sql, [1])).toEqual([{ n: 1, text: 'x' }]);
  await pglite.exec(`alter table noted add column more int default 7`);
  await expect(run(sql, [1])).rejects.toMatchObject({ code: '0A000' });
  expect(await run(sql, [1])).toEqual([{ n: 1, text: 'x', more: 7 }]);
  await pglite.exec(`alter table noted drop column more`);
  await pglite.runExclusive(() => statements.forget());
  expect(await namesKept()).toBe(0);
  expect(await run(sql, [1])).toEqual([{ n: 1, text: 'x' }]);
});

test('one that is gone in the database is refused once', async () => {
  await run('select $1::int as n', [1]);
  await pglite.exec('deallocate all');
  await expect(run('select $1::int as n', [1])).rejects.toMatchObject({ code: '26000' });
  expect(await run('select $1::int as n', [1])).toEqual([{ n: 1 }]);
});

test('one that is used for long is planned anew', async () => {
  const plans = async () =>
    (await pglite.query<{ at: Date }>('select prepare_time as at from pg_prepared_statements'))
      .rows;
  await run('select $1::int as n', [1]);
  const [first] = await plans();
  for (let index = 0; index < 1_100; index += 1) await run('select $1::int as n', [1]);
  const [second, ...more] = await plans();
  expect(more).toEqual([]);
  expect(second?.at.getTime()).toBeGreaterThan(first?.at.getTime() ?? Number.NaN);
});

test.each([
  ['when it is prepared', 1],
  ['when it is run', 2],
])('a trap %s, which PGlite swallows, is no answer without rows', async (_, failing) => {
  let calls = 0;
  const real = pglite.execProtocolStream.bind(pglite);
  // What a trapped call comes back with.
  const trapping = vi.spyOn(pglite, 'execProtocolStream').mockImplementation(async (bytes) => {
    calls += 1;
    return calls === failing ? [] : real(bytes);
  });
  onTestFinished(() => trapping.mockRestore());
  await expect(statements.run('select $1::int as n', [1])).rejects.toMatchObject({
    name: 'RuntimeError',
  });
});

test('what cannot be said is refused before it is begun', async () => {
  await expect(run('select $1::text[] as texts', [{ not: 'a list' }])).rejects.toThrow(TypeError);
  expect(await run('select $1::text[] as texts', [['a']])).toEqual([{ texts: ['a'] }]);
});

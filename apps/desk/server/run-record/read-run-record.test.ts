// Records of a market that was really traded and kept: whole and exact, bounded, and only for whom they are.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asUser, FLOOR_USER_ID } from '../database/as-user.ts';
import { fromDecimal } from '../market/money.ts';
import { openTradedMarket, type TradedMarket } from '../testing/traded-market.ts';
import { tradingTools } from '../trading-tools/trading-tools.ts';
import { type RunReference, readRunRecord, readRunSummaries } from './read-run-record.ts';
import { databaseRecords } from './record-source.ts';
import type { RunRecord } from './run-record.ts';

const MODEL = 'chatgpt_openai';
let market: TradedMarket;
let runId = '';

beforeAll(async () => {
  market = await openTradedMarket({ seed: 'records', days: 3, ticksPerDay: 150 });
  const [row] = await sql(`select id from desk.runs where model_id = '${MODEL}'`);
  runId = String(row?.['id']);
});
afterAll(() => market.close());

const sql = (text: string) => market.storage.sql.query(text, []);
const read = (
  run: RunReference,
  options?: Parameters<typeof readRunRecord>[2],
  user = FLOOR_USER_ID,
): Promise<RunRecord | null> =>
  asUser(market.storage.sql, user, (tx) => readRunRecord(tx, run, options));

async function mustRead(model: string, bounds?: Parameters<typeof readRunRecord>[2]) {
  const record = await read({ modelId: model, runId: 'latest' }, bounds);
  if (record === null) throw new Error(`${model} has no run`);
  return record;
}

const sum = (amounts: readonly number[]): number => amounts.reduce((all, one) => all + one, 0);

describe('a record', () => {
  test.each([
    ...['claude_arbitrage', 'chatgpt_openai', 'gemini_grid', 'deepseek_ml', 'buy_and_hold'],
  ])('of %s adds up to what the market knows, to the unit', async (model) => {
    const { run, executions, trades, positions, equity, cuts } = await mustRead(model);
    const standing = market.standings.find(({ agentId }) => agentId === model);
    expect(run).toMatchObject({
      ...{ realised: standing?.realised, unrealised: standing?.unrealised, fees: standing?.fees },
      ...{ equity: standing?.equity, cash: standing?.cash, fillCount: standing?.tally.fills },
    });
    expect(run.equity).toBe(run.startingCash + run.realised + run.unrealised - run.fees);
    expect(sum(trades.map(({ gross }) => gross))).toBe(run.realised);
    expect(sum(executions.map(({ fee }) => fee))).toBe(run.fees);
    expect(sum(positions.map(({ value, cost }) => value - cost))).toBe(run.unrealised);
    expect(executions).toHaveLength(run.fillCount);
    expect([equity[0]?.equity, equity.at(-1)?.equity]).toEqual([run.startingCash, run.equity]);
    expect(cuts).toEqual([]);
    for (const { fees, profit, gross, opened } of trades) {
      expect(profit).toBe(gross - fees);
      expect(opened).not.toBeNull();
    }
    // Fees of closed trades are all but those of opening what is held still.
    expect(sum(trades.map(({ fees }) => fees))).toBeLessThanOrEqual(run.fees);
  });

  test('has the decision behind each trade, with its reasoning', async () => {
    const { trades, decisions } = await mustRead(MODEL);
    expect(trades.length).toBeGreaterThan(5);
    const known = new Map(decisions.map((one) => [one.number, one]));
    for (const { opened, closed } of trades) {
      expect(known.get(closed.decisionNumber)?.reasoning).toMatchObject({ kind: 'momentum' });
      expect(known.get(opened?.decisionNumber ?? 0)?.reasoning).toMatchObject({ kind: 'momentum' });
    }
  });

  test('that is cut says what of, and its trades keep their exact profit before fees', async () => {
    const whole = await mustRead('gemini_grid');
    const cut = await mustRead('gemini_grid', { fills: 40, equityPoints: 10, decisions: 5 });
    expect(cut.cuts).toMatchObject([
      { of: 'fills', kept: 40, total: whole.executions.length, since: cut.executions[0]?.at },
      { of: 'equity points', kept: 10 },
      { of: 'decisions', kept: 5, total: whole.decisions.length },
    ]);
    expect(cut.executions).toEqual(whole.executions.slice(-40));
    expect(cut.run).toEqual(whole.run);
    const newest = cut.trades.at(-1);
    expect(newest).toEqual(whole.trades.at(-1));
    const realised = sum(cut.executions.map((fill) => fill.realised));
    expect(sum(cut.trades.map(({ gross }) => gross))).toBe(realised);
    // Exactly as many as there are is no cut.
    const exact = { fills: whole.executions.length, equityPoints: 10_000, decisions: 10_000 };
    expect((await mustRead('gemini_grid', exact)).cuts).toEqual([]);
  });
});

/** A model with a run that is somebody's own: that of the Floor in her name. */
const HERS = 'her_model';
const herRun = '00000000-0000-7000-8000-000000000001';

async function give(user: string): Promise<void> {
  await sql(
    `insert into desk.users (id, name, name_key, is_admin) values ('${user}', '${user}', '${user}', false)`,
  );
  await sql(
    `insert into desk.models (id, user_id, name, strategy) values ('${HERS}', '${user}', 'Hers', 'grid')`,
  );
  const changed = JSON.stringify({ id: herRun, user_id: user, model_id: HERS });
  await sql(`insert into desk.runs select (jsonb_populate_record(run, '${changed}')).* from desk.runs run
    where id = '${runId}'`);
}

describe('whose it is', () => {
  beforeAll(() => give('ada'));
  afterAll(() => sql(`delete from desk.users where id = 'ada'`));

  test('another user, another model, no run and no id at all are the same: nothing', async () => {
    const run = { modelId: MODEL, runId };
    expect((await read(run))?.run.id).toBe(runId);
    // The Floor's are everybody's to read; one's own are not.
    expect((await read(run, undefined, 'somebody'))?.run.id).toBe(runId);
    const hers = { modelId: HERS, runId: herRun };
    expect((await read(hers, undefined, 'ada'))?.run.id).toBe(herRun);
    expect(await read(hers, undefined, 'somebody')).toBeNull();
    expect(await read(hers)).toBeNull();
    expect(await read({ modelId: 'gemini_grid', runId })).toBeNull();
    expect(
      await read({ modelId: MODEL, runId: '00000000-0000-7000-8000-000000000000' }),
    ).toBeNull();
    expect(await read({ modelId: MODEL, runId: "'; drop table desk.runs" })).toBeNull();
    expect(await read({ modelId: 'none', runId: 'latest' })).toBeNull();
  });

  test('a list has what the user may see, newest first, and no more than is asked', async () => {
    const list = (user: string, limit: number) =>
      asUser(market.storage.sql, user, (tx) => readRunSummaries(tx, { limit }));
    const all = await list(FLOOR_USER_ID, 10);
    expect(all.map(({ modelId }) => modelId)).toHaveLength(5);
    expect(all[0]).toMatchObject({ number: 1, isImported: false, status: 'running', ruleCount: 0 });
    expect(await list(FLOOR_USER_ID, 2)).toHaveLength(2);
    const models = async (user: string) => (await list(user, 10)).map(({ modelId }) => modelId);
    expect(await models('ada')).toContain(HERS);
    expect(await models('somebody')).toHaveLength(5);
    expect(await models('somebody')).not.toContain(HERS);
  });

  test('rules of the model are in its record; one that nobody knows is left out', async () => {
    const rule = { id: 'tight', kind: 'stop_loss', percent: 2 };
    await sql(`insert into desk.rules (model_id, id, user_id, kind, rule) values
      ('${MODEL}', 'tight', 'floor', 'stop_loss', '${JSON.stringify(rule)}'),
      ('${MODEL}', 'odd', 'floor', 'astrology', '{"id": "odd", "kind": "astrology"}')`);
    expect((await mustRead(MODEL)).rules).toEqual([rule]);
    await sql('delete from desk.rules');
  });
});

describe('tools', () => {
  interface Told {
    readonly text: string;
    readonly data: { readonly [name: string]: unknown };
  }
  const use = async (
    name: string,
    input: object,
    user = FLOOR_USER_ID,
    focus = { modelId: MODEL, runId },
  ): Promise<Told> => {
    const source = databaseRecords(market.storage.sql, { userId: user, focus });
    const execute = tradingTools(source)[name]?.execute;
    if (execute === undefined) throw new Error(`no tool ${name}`);
    const options = { toolCallId: 'c', messages: [], context: undefined };
    return (await execute(input as never, options)) as Told;
  };

  test('texts begin as they are known, and their figures are the database’s', async () => {
    const { run, trades } = await mustRead(MODEL);
    const all = await use('analyze_trades', { filter_type: 'all' });
    expect(all.text).toMatch(/^📊 Statistics: Total Trades: \d+ /);
    expect(all.data).toMatchObject({
      run: {
        realised: run.realised / 10_000,
        fees: run.fees / 10_000,
        equity: run.equity / 10_000,
      },
      statistics: { trades: trades.length, gross: run.realised / 10_000 },
    });
    const metrics = await use('calculate_metrics', { metric_type: 'returns' });
    const percent = (run.equity / run.startingCash - 1) * 100;
    expect(metrics.text).toContain(
      `📈 Returns: Total Return: ${percent > 0 ? '+' : ''}${percent.toFixed(2)}%`,
    );
    expect(metrics.data).toMatchObject({ risk: null, ratios: null });
    const rules = await use('suggest_rules', { problem: 'it trades too much' });
    expect(rules.text).toMatch(/^Based on 'it trades too much', I suggest/);
    const [sold] =
      await sql(`select sum(notional)::text as worth, count(distinct order_number)::int as orders
      from desk.fills where run_id = '${runId}' and side = 'sell'`);
    const sells = await use('analyze_trades', { filter_type: 'action', criteria: 'sell' });
    expect(sells.data['sides']).toMatchObject({
      sell: { notional: fromDecimal(String(sold?.['worth'])) / 10_000, orders: sold?.['orders'] },
    });
  });

  test.each([
    ['symbol', '', 'does not understand no criteria'],
    ['symbol', undefined, 'does not understand no criteria'],
    ['action', 'dance', 'Its actions are buy, sell, long, short, enter, leave'],
    ['outcome', 'purple', '"best 5"'],
    ['time', '25:00', '"10:00-12:00"'],
    ['time', 'someday', 'filter_type "time" does not understand "someday"'],
    ['all', 'everything', '"#123, #130"'],
  ])('%s by %j is refused in words that say what to ask', async (filter_type, criteria, words) => {
    await expect(use('analyze_trades', { filter_type, criteria })).rejects.toMatchObject({
      code: 'request/invalid',
      message: expect.stringContaining(words),
    });
  });

  test.each([
    ['symbol', 'quil, zuno'],
    ['action', 'leave'],
    ['action', 'long'],
    ['outcome', 'win'],
    ['outcome', 'losing trades'],
    ['outcome', 'worst 3'],
    ['time', '10'],
    ['time', '10:00 - 12:30'],
    ['time', 'afternoon'],
    ['time', 'last 3'],
    ['time', '2026-01-05'],
    ['time', 'last day'],
  ])('%s by "%s" picks some of the trades, within bounds', async (filter_type, criteria) => {
    const { data, text } = await use('analyze_trades', { filter_type, criteria });
    expect(data['statistics']).toMatchObject({ trades: expect.any(Number) });
    expect(text.length).toBeLessThan(3_000);
    expect(JSON.stringify(data).length).toBeLessThan(20_000);
  });

  test('a suggested rule is one that the exchange takes, with a gain that its trades explain', async () => {
    const { data } = await use('suggest_rules', { problem: 'too many losing trades' });
    const suggestions = data['suggestions'] as readonly {
      counterfactual: { saved: number; profitBefore: number; profitAfter: number; trades: number };
    }[];
    for (const { counterfactual } of suggestions) {
      const { saved, profitBefore, profitAfter, trades } = counterfactual;
      expect(saved).toBeGreaterThan(0);
      expect(profitAfter - profitBefore).toBeCloseTo(saved, 4);
      expect(trades).toBeGreaterThan(0);
    }
  });

  test('runs are compared by number, by model, or the newest of each', async () => {
    const labels = async (input: object): Promise<unknown> =>
      ((await use('compare_runs', input)).data['runs'] as { label: string }[])
        .map(({ label }) => label)
        .toSorted();
    expect(await labels({ runs: [] })).toHaveLength(5);
    expect(await labels({ runs: [1] })).toEqual(['GPT-4 Momentum #1']);
    expect(await labels({ runs: [], models: ['grid', 'Buy & Hold'] })).toEqual([
      ...['Buy & Hold #1', 'Gemini Grid #1'],
    ]);
    const { data } = await use('compare_runs', { runs: [1, 7], models: ['grid', 'nobody'] });
    expect(data['missing']).toEqual(['nobody', 'run 7']);
    await expect(use('compare_runs', { runs: [9] })).rejects.toThrow('Use list_runs');
  });

  test('who may not see the run is told that it is not there', async () => {
    await give('eve');
    const hers = { modelId: HERS, runId: herRun };
    const all = { filter_type: 'all' };
    await expect(use('analyze_trades', all, 'somebody', hers)).rejects.toMatchObject({
      code: 'request/invalid',
    });
    expect((await use('list_runs', {}, 'somebody')).text).not.toContain('Hers');
    expect((await use('list_runs', {}, 'eve')).text).toContain('Hers');
    await sql(`delete from desk.users where id = 'eve'`);
  });
});

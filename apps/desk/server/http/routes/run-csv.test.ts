// Runs that are made of CSV: trades of somewhere else against an example worked by hand, and prices to play over.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type {
  EquityAnswer,
  ModelAnswer,
  RunAnswer,
  RunChangeAnswer,
} from '../../../shared/trading.ts';
import { PEOPLE_SECRET, type Person, personAt } from '../../testing/people.ts';
import { startTestDesk, type TestDesk } from '../../testing/test-desk.ts';

let desk: TestDesk;
let ada: Person;
beforeAll(async () => {
  desk = await startTestDesk({ environment: { SESSION_SECRET: PEOPLE_SECRET } });
  ada = await personAt(desk, 'ada');
});
afterAll(() => desk[Symbol.asyncDispose]());

async function json<Answer>(response: Response, status = 200): Promise<Answer> {
  const text = await response.text();
  expect({ status: response.status, text }).toEqual({ status, text });
  return JSON.parse(text) as Answer;
}

async function makeModel(strategy: string, startingCash?: number): Promise<string> {
  const asked = await ada.call('POST', '/api/models', { name: 'CSV', strategy, startingCash });
  return (await json<ModelAnswer>(asked, 201)).model.id;
}

test('trades become a run with the figures that one works out by hand', async () => {
  const at = `/api/models/${await makeModel('hold', 10_000)}/runs`;
  // Newest first, as brokers write them; the sale of 15 closes at an average cost of 11.
  const csv = [
    'symbol,side,quantity,price,time,fee,reason',
    'bbb,sell,5,40,2026-01-08T15:00:00Z,,"short it, carefully"',
    'AAA,sell,15,14.5,2026-01-07T15:00:00Z,1.25,took the profit',
    'AAA,buy,10,12,2026-01-06T15:00:00Z,1',
    'AAA,buy,10,10,2026-01-05T15:00:00Z,1,looked cheap',
    '',
  ].join('\r\n');
  const { run } = await json<RunChangeAnswer>(await ada.send(`${at}/import`, csv), 201);
  // Cash: 10,000 − 101 − 121 + 216.25 + 200. Left: 5 AAA at 11, marked at 14.50; 5 BBB owed, at 40.
  expect(run).toMatchObject({
    ...{ number: 1, status: 'completed', source: 'csv', startingCash: 10_000 },
    ...{ cash: 10_194.25, equity: 10_066.75, profit: 66.75, return: 0.006675 },
    ...{ realised: 52.5, unrealised: 17.5, fees: 3.25 },
    ...{ orders: 4, fills: 4, closings: 1, wins: 1, lastTick: 4 },
    ...{ startedAt: '2026-01-05T15:00:00.000Z', endedAt: '2026-01-08T15:00:00.000Z' },
  });
  const answer = await json<RunAnswer>(await ada.call('GET', `${at}/latest`));
  expect(answer.run).toEqual(run);
  expect(answer.positions).toEqual([
    { symbol: 'AAA', quantity: 5, averageCost: 11, value: 72.5, profit: 17.5 },
    { symbol: 'BBB', quantity: -5, averageCost: 40, value: -200, profit: 0 },
  ]);
  expect(
    answer.fills.map(({ number, symbol, realised, fee }) => [number, symbol, realised, fee]),
  ).toEqual([
    [4, 'BBB', 0, 0],
    [3, 'AAA', 52.5, 1.25],
    [2, 'AAA', 0, 1],
    [1, 'AAA', 0, 1],
  ]);
  expect(answer.decisions.map(({ number, reasoning }) => [number, reasoning])).toEqual([
    [4, { kind: 'imported', text: 'short it, carefully' }],
    [3, { kind: 'imported', text: 'took the profit' }],
    [1, { kind: 'imported', text: 'looked cheap' }],
  ]);
  const curve = await json<EquityAnswer>(await ada.call('GET', `${at}/${run.id}/equity`));
  expect(curve.points.map(({ tick, equity, cash }) => [tick, equity, cash])).toEqual([
    [1, 9_999, 9_899],
    [2, 10_018, 9_778],
    [3, 10_066.75, 9_994.25],
    [4, 10_066.75, 10_194.25],
  ]);
});

test('what is wrong with a file is said line by line, and nothing is kept of it', async () => {
  const at = `/api/models/${await makeModel('hold')}/runs`;
  const csv = [
    'time,symbol,side,quantity,price,fee',
    '2026-02-30,AAA,buy,1,1,',
    '2026-01-05,AAA,hold,1,1,',
    '2026-01-05,AAA,buy,1.5,1,',
    '2026-01-05,AAA,buy,1,0,',
    '2026-01-05,AAA,buy,1,1,-2',
    '2026-01-05,AAA,buy,1',
    '2026-01-05,AAA,buy,1,1,0',
  ].join('\n');
  const refused = await ada.send(`${at}/import`, csv);
  expect(refused.status).toBe(400);
  const { error } = (await refused.json()) as { error: { message: string; details: unknown } };
  expect(error.details).toEqual({ lines: [2, 3, 4, 5, 6, 7] });
  expect(error.message).toContain(
    'Line 4: quantity "1.5" is not a whole number of shares, 1 or more.',
  );
  expect(error.message).toContain('Line 7: price is missing (4 of 6 fields are there).');
  const huge = 'time,symbol,side,quantity,price\n2026-01-05,A,buy,999999999,99999999';
  expect(await (await ada.send(`${at}/import`, huge)).text()).toContain(
    'Line 2: The amounts are too',
  );
  const kept = 'time,symbol,side,quantity,price,reason\n';
  for (const row of [
    '0000-01-01,A,buy,1,1,',
    '9999-12-31T23:00-14:00,A,buy,1,1,',
    '2026-01-05,A,buy,1,1,a\0b',
  ]) {
    expect([row, (await ada.send(`${at}/import`, kept + row)).status]).toEqual([row, 400]);
  }
  expect((await ada.send(`${at}/import`, csv, 'application/json')).status).toBe(400);
  expect((await ada.send(`${at}/import`, 'x'.repeat(2_200_000))).status).toBe(413);
  expect((await json<{ runs: unknown[] }>(await ada.call('GET', at))).runs).toEqual([]);
});

function pricesCsv(bars: number): string {
  const lines = ['symbol,time,open,high,low,close,volume'];
  for (let n = 0; n < bars; n += 1) {
    const time = new Date(Date.UTC(2026, 0, 5, 9, 30) + n * 60_000).toISOString();
    for (const [symbol, base] of [
      ['UP', 100 + n / 10],
      ['DOWN', 200 - n / 10],
    ] as const) {
      const [high, low] = [base + 0.3, base - 0.3];
      lines.push(
        `${symbol},${time},${base.toFixed(2)},${high.toFixed(2)},${low.toFixed(2)},${base.toFixed(2)},5000`,
      );
    }
  }
  return lines.join('\n');
}

test('a model plays over imported prices under its rules, and again the same', async () => {
  const modelId = await makeModel('hold', 50_000);
  const at = `/api/models/${modelId}/runs`;
  const rule = { id: 'only-up', kind: 'allowed_symbols', symbols: ['UP'] };
  await json(await ada.call('POST', `/api/models/${modelId}/rules`, { rule }), 201);
  const prices = pricesCsv(300);
  const { run } = await json<RunChangeAnswer>(await ada.send(`${at}/replay`, prices), 201);
  expect(run).toMatchObject({ source: 'replay', status: 'completed', lastTick: 1_200, number: 1 });
  expect(run.profit).toBeGreaterThan(0);
  expect(run.profit).toBeCloseTo(run.realised + run.unrealised - run.fees, 4);
  const answer = await json<RunAnswer>(await ada.call('GET', `${at}/${run.id}`));
  expect(answer.positions.map(({ symbol }) => symbol)).toEqual(['UP']);
  expect(answer.refusals[0]).toMatchObject({ ruleId: 'only-up', symbol: 'DOWN' });
  expect(answer.rules).toMatchObject([{ id: 'only-up' }]);
  const curve = await json<EquityAnswer>(await ada.call('GET', `${at}/${run.id}/equity?points=50`));
  expect(curve.total).toBe(1_200);
  expect(curve.points.length).toBeLessThanOrEqual(50);
  expect(curve.points.at(-1)).toMatchObject({ tick: 1_200, equity: run.equity });

  const { run: again } = await json<RunChangeAnswer>(await ada.send(`${at}/replay`, prices), 201);
  const { id, number, ...figures } = again;
  expect({ ...figures, id: run.id, number: run.number }).toEqual(run);
  expect([id === run.id, number]).toEqual([false, 2]);
});

test('prices that cannot be played are refused with why', async () => {
  const at = `/api/models/${await makeModel('grid')}/runs/replay`;
  const text = async (csv: string): Promise<string> => {
    const answer = await ada.send(at, csv);
    expect(answer.status).toBe(400);
    return answer.text();
  };
  expect(await text('time,close\n')).toContain('The header lacks symbol, open, high, low, volume');
  const header = 'symbol,time,open,high,low,close,volume\n';
  expect(await text(`${header}A,2026-01-05,1,1,2,1,10\n`)).toContain('Line 2:');
  const many = Array.from({ length: 101 }, (_, n) => `S${n},2026-01-05,1,1,1,1,10`).join('\n');
  expect(await text(header + many)).toContain('101 symbols are more than the 100');
  const long = Array.from(
    { length: 20_001 },
    (_, n) => `A,${new Date(n * 60_000).toISOString()},1,1,1,1,1`,
  ).join('\n');
  expect(await text(header + long)).toContain('Line 20002: At most 20000 bars');
});

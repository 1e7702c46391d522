// People's runs in the live market of a whole Desk: told live to whom they belong, and going on over a restart.

import { createClient } from '@millrace/client';
import { expect, test } from 'vitest';
import { runFigures } from '../../shared/channels.ts';
import type { RunFigures } from '../../shared/run-figures.ts';
import type { ModelAnswer, RunAnswer, RunChangeAnswer, RunInfo } from '../../shared/trading.ts';
import { eventually as within } from '../testing/eventually.ts';
import { PEOPLE_SECRET, type Person, personAt } from '../testing/people.ts';
import { startTestDesk, type TestDesk } from '../testing/test-desk.ts';

/** Beside other tests a Desk may have little of the machine. */
const eventually: typeof within = (what, look) => within(what, look, 20_000);

const environment = {
  SESSION_SECRET: PEOPLE_SECRET,
  MARKET_TICK_MS: '20',
  MARKET_SAVE_TICKS: '25',
};

async function begin(who: Person, strategy: string): Promise<RunInfo> {
  const made = await who.call('POST', '/api/models', { name: 'Mine', strategy });
  const { model } = (await made.json()) as ModelAnswer;
  const begun = await who.call('POST', `/api/models/${model.id}/runs`);
  return ((await begun.json()) as RunChangeAnswer).run;
}

async function read(who: Person, { modelId, id }: RunInfo): Promise<RunAnswer> {
  return (await (await who.call('GET', `/api/models/${modelId}/runs/${id}`)).json()) as RunAnswer;
}

/** What somebody with this token is told of a run; nobody in particular without one. */
function watch(desk: TestDesk, runId: string, token: string | null) {
  const seen: RunFigures[] = [];
  const said = { verdict: '', isOver: false };
  const client = createClient({
    url: `${desk.address}/realtime`,
    transports: ['websocket'],
    ...(token === null ? {} : { token }),
    onError: () => undefined,
  });
  client.subscribe(runFigures.of({ runId }), {
    start: 'now',
    onVerdict: ({ verdict }) => {
      said.verdict = verdict;
    },
    onState: ({ latest }) => {
      if (latest !== null) seen.push(latest);
    },
    onEnd: () => {
      said.isOver = true;
    },
  });
  return { seen, said, [Symbol.asyncDispose]: () => client.close() };
}

const tokenOf = (who: Person): string => who.headers['authorization']?.slice(7) ?? '';

test('a run is told live to its owner alone, until it ends; those of the Floor to everybody', async () => {
  await using desk = await startTestDesk({ environment });
  const [ada, grace] = await Promise.all([personAt(desk, 'ada'), personAt(desk, 'grace')]);
  const run = await begin(ada, 'hold');
  await using own = watch(desk, run.id, tokenOf(ada));
  await using foreign = watch(desk, run.id, tokenOf(grace));
  await using stranger = watch(desk, run.id, null);
  await using missing = watch(desk, '00000000-0000-7000-8000-000000000000', tokenOf(ada));
  await eventually('it is told', () => own.seen.some(({ positions }) => positions.length > 0));
  for (const other of [foreign, stranger, missing]) {
    await eventually('the others are refused', () => other.said.verdict === 'denied');
    expect(other.seen).toEqual([]);
  }
  const newest = own.seen.at(-1);
  expect(newest).toMatchObject({ status: 'running', decision: { reasoning: { kind: 'hold' } } });
  expect(newest?.profit).toBeCloseTo((newest?.equity ?? 0) - 100_000, 4);
  // About one a second, whatever the market's pace: each tells of another tick.
  const ticks = own.seen.map(({ tick }) => tick);
  expect(ticks).toEqual([...new Set(ticks)].toSorted((one, other) => one - other));

  const floorRun = await eventually('the Floor was kept', async () => {
    const answer = await grace.call('GET', '/api/models/buy_and_hold/runs/latest');
    return answer.status === 200 && ((await answer.json()) as RunAnswer).run;
  });
  await using open = watch(desk, floorRun.id, tokenOf(grace));
  await using visitor = watch(desk, floorRun.id, null);
  await eventually('both see the Floor’s', () => open.seen.length > 0 && visitor.seen.length > 0);

  await ada.call('POST', `/api/models/${run.modelId}/runs/latest/end`);
  await eventually('its end is told', () => own.said.isOver);
  const { run: over } = await eventually('it is kept', async () => {
    const answer = await read(ada, run);
    return answer.run.status === 'completed' && answer;
  });
  expect(own.seen.at(-1)).toMatchObject({
    ...{ status: 'completed', tick: over.lastTick, equity: over.equity, cash: over.cash },
  });
}, 90_000);

test('a run goes on over a restart, with its rules, its figures and its number of trades', async () => {
  await using desk = await startTestDesk({ environment });
  const ada = await personAt(desk, 'ada');
  const run = await begin(ada, 'grid');
  const rule = { id: 'late', kind: 'max_trades_per_day', trades: 100 };
  const rules = `/api/models/${run.modelId}/rules`;
  expect((await ada.call('POST', rules, { rule, applyNow: true })).status).toBe(201);
  const before = await eventually('it was kept with its rule', async () => {
    const answer = await read(ada, run);
    return answer.rules.length > 0 && answer;
  });
  await desk.restart();
  const after = await eventually('it goes on', async () => {
    const answer = await read(ada, run);
    return answer.run.lastTick > before.run.lastTick + 30 && answer;
  });
  expect(after.run).toMatchObject({ status: 'running', number: 1, id: run.id });
  expect(after.rules).toEqual(before.rules);
  expect(after.run.fills).toBeGreaterThanOrEqual(before.run.fills);
  // Its end, asked for while nobody leads the market, is carried out at the next tick.
  await ada.call('POST', `/api/models/${run.modelId}/runs/latest/end`);
  await desk.restart();
  await eventually('it ended', async () => (await read(ada, run)).run.status === 'completed');
}, 90_000);

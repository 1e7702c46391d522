// Models, runs and rules through their endpoints: what is one's own, what is the Floor's, what is foreign.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type {
  EquityAnswer,
  ModelAnswer,
  ModelsAnswer,
  RuleChangeAnswer,
  RulesAnswer,
  RunAnswer,
  RunChangeAnswer,
  RunsAnswer,
} from '../../../shared/trading.ts';
import { eventually } from '../../testing/eventually.ts';
import { PEOPLE_SECRET, type Person, personAt } from '../../testing/people.ts';
import { startTestDesk, type TestDesk } from '../../testing/test-desk.ts';
import { ENDPOINTS } from '../access.ts';

let desk: TestDesk;
let ada: Person;
let grace: Person;
let boss: Person;
beforeAll(async () => {
  desk = await startTestDesk({
    environment: {
      SESSION_SECRET: PEOPLE_SECRET,
      MARKET_TICK_MS: '20',
      MARKET_SAVE_TICKS: '5',
      MARKET_RUNS: '4',
    },
  });
  [ada, grace, boss] = await Promise.all([
    personAt(desk, 'ada'),
    personAt(desk, 'grace'),
    personAt(desk, 'boss', true),
  ]);
});
afterAll(() => desk[Symbol.asyncDispose]());

async function json<Answer>(response: Response, status = 200): Promise<Answer> {
  const text = await response.text();
  expect({ status: response.status, text }).toEqual({ status, text });
  return JSON.parse(text) as Answer;
}

async function makeModel(who: Person, strategy = 'hold', startingCash?: number) {
  const asked = await who.call('POST', '/api/models', { name: 'Mine', strategy, startingCash });
  return (await json<ModelAnswer>(asked, 201)).model;
}

async function begin(who: Person, modelId: string) {
  const asked = await who.call('POST', `/api/models/${modelId}/runs`);
  return (await json<RunChangeAnswer>(asked, 201)).run;
}

async function readRun(who: Person, modelId: string, runId = 'latest') {
  return json<RunAnswer>(await who.call('GET', `/api/models/${modelId}/runs/${runId}`));
}

async function end(who: Person, modelId: string, runId = 'latest') {
  const asked = await who.call('POST', `/api/models/${modelId}/runs/${runId}/end`);
  expect([200, 202]).toContain(asked.status);
  return eventually('the run ended', async () => {
    const answer = await readRun(who, modelId, runId);
    return answer.run.status === 'completed' && answer;
  });
}

test('a model is made, read, renamed and deleted by its owner; the Floor’s stand beside it', async () => {
  const model = await makeModel(ada, 'grid', 25_000);
  expect(model).toMatchObject({
    ...{ name: 'Mine', strategy: 'grid', owner: 'you', startingCash: 25_000 },
    ...{ runCount: 0, latestRun: null },
  });
  const renamed = await ada.call('PATCH', `/api/models/${model.id}`, { name: ' Steps ' });
  expect((await json<ModelAnswer>(renamed)).model.name).toBe('Steps');
  const floor = await eventually('the Floor was kept', async () => {
    const { models } = await json<ModelsAnswer>(await ada.call('GET', '/api/models'));
    expect(models[0]).toMatchObject({ id: model.id, name: 'Steps' });
    return models.length === 6 && models.slice(1);
  });
  expect(floor.map(({ id, owner }) => `${owner}/${id}`)).toEqual([
    ...['floor/claude_arbitrage', 'floor/chatgpt_openai', 'floor/gemini_grid'],
    ...['floor/deepseek_ml', 'floor/buy_and_hold'],
  ]);
  expect(floor[4]?.latestRun).toMatchObject({ number: 1, status: 'running', source: 'market' });
  expect((await ada.call('DELETE', `/api/models/${model.id}`)).status).toBe(204);
  expect((await ada.call('GET', `/api/models/${model.id}`)).status).toBe(404);
});

test('a run trades live with its rules enforced, and the order that one refused names it', async () => {
  const model = await makeModel(ada);
  const at = `/api/models/${model.id}`;
  const rule = { id: 'nothing-big', kind: 'max_order_value', dollars: 1 };
  const accepted = await json<RuleChangeAnswer>(
    await ada.call('POST', `${at}/rules`, { rule }),
    201,
  );
  expect(accepted).toMatchObject({
    rules: [{ id: 'nothing-big', rule, text: 'no order above $1' }],
    appliedTo: [],
  });
  const run = await begin(ada, model.id);
  expect(run).toMatchObject({ number: 1, status: 'running', source: 'market', equity: 100_000 });
  const refused = await eventually('an order was refused', async () => {
    const answer = await readRun(ada, model.id, run.id);
    return answer.refusals.length > 0 && answer;
  });
  expect(refused.rules).toMatchObject([{ id: 'nothing-big' }]);
  expect(refused.refusals[0]).toMatchObject({
    ruleId: 'nothing-big',
    side: 'buy',
    reason: expect.stringMatching(/^the order is worth \$.*; the rule: no order above \$1\.$/),
  });
  expect(refused.fills).toEqual([]);

  // Removed for the next run alone, and then for this one.
  const kept = await json<RuleChangeAnswer>(await ada.call('DELETE', `${at}/rules/nothing-big`));
  expect(kept).toEqual({ rules: [], appliedTo: [] });
  const none = { id: 'one', kind: 'max_trades_per_day', trades: 1 };
  const now = await ada.call('POST', `${at}/rules`, { rule: none, applyNow: true });
  expect((await json<RuleChangeAnswer>(now, 201)).appliedTo).toEqual([run.id]);
  const traded = await eventually('it traded', async () => {
    const answer = await readRun(ada, model.id);
    return (
      answer.fills.length > 0 && answer.refusals.some(({ ruleId }) => ruleId === 'one') && answer
    );
  });
  expect(traded.rules).toMatchObject([{ id: 'one' }]);
  expect(new Set(traded.fills.map(({ decisionNumber }) => decisionNumber)).size).toBe(1);
  expect(traded.decisions[0]).toMatchObject({ reasoning: { kind: 'hold' } });
  expect(traded.positions).toHaveLength(1);

  const { run: over, positions } = await end(ada, model.id);
  expect(over).toMatchObject({ id: run.id, status: 'completed', endedAt: over.updatedAt });
  expect(over.profit).toBeCloseTo(over.realised + over.unrealised - over.fees, 4);
  const value = positions.reduce((sum, one) => sum + one.value, 0);
  expect(over.equity).toBeCloseTo(over.cash + value, 4);
  const curve = await json<EquityAnswer>(await ada.call('GET', `${at}/runs/latest/equity`));
  expect(curve.points.at(-1)).toMatchObject({ tick: over.lastTick, equity: over.equity });
  // Asked again it stays as it is.
  const again = await json<RunChangeAnswer>(await ada.call('POST', `${at}/runs/${run.id}/end`));
  expect(again.run).toEqual(over);
  const { rules } = await json<RulesAnswer>(await ada.call('GET', `${at}/rules`));
  expect(rules.map(({ id }) => id)).toEqual(['one']);
});

test('a person has three runs going at most, and all people together as many as the market takes', async () => {
  const model = await makeModel(ada);
  const other = await makeModel(grace);
  for (let count = 1; count <= 3; count += 1) {
    expect((await begin(ada, model.id)).number).toBe(count);
  }
  const refused = await ada.call('POST', `/api/models/${model.id}/runs`);
  expect(refused.status).toBe(409);
  expect(await refused.text()).toContain('You have 3 runs going');
  await begin(grace, other.id);
  const full = await grace.call('POST', `/api/models/${other.id}/runs`);
  expect(full.status).toBe(409);
  expect(await full.text()).toContain("4 runs of people's models are going");

  // Deleting a model ends what it has going, and makes room at once.
  expect((await ada.call('DELETE', `/api/models/${model.id}`)).status).toBe(204);
  const last = await begin(grace, other.id);
  expect(last.number).toBe(2);
  const { runs } = await json<RunsAnswer>(await grace.call('GET', `/api/models/${other.id}/runs`));
  for (const { id } of runs) await end(grace, other.id, id);
});

describe('foreign', () => {
  let modelId = '';
  let runId = '';
  let foreignRunId = '';
  beforeAll(async () => {
    modelId = (await makeModel(ada)).id;
    const made = await ada.send(
      `/api/models/${modelId}/runs/import`,
      'time,symbol,side,quantity,price\n2026-01-05,A,buy,1,1',
    );
    runId = (await json<RunChangeAnswer>(made, 201)).run.id;
    const rule = { id: 'r', kind: 'stop_loss', percent: 5 };
    await json(await ada.call('POST', `/api/models/${modelId}/rules`, { rule }), 201);
    foreignRunId = (await readRun(ada, 'buy_and_hold')).run.id;
  });

  const OURS = ENDPOINTS.filter(
    ({ path }) => path.startsWith('/api/models/:modelId') && !path.includes('chat'),
  );
  const bodies: Record<string, unknown> = {
    'PATCH /api/models/:modelId': { name: 'Taken' },
    'POST /api/models/:modelId/rules': { rule: { kind: 'stop_loss', percent: 1 } },
  };
  const ask = (
    who: Person,
    { method, path }: (typeof OURS)[number],
    model: string,
    run: string,
  ) => {
    const at = path.replace(':modelId', model).replace(':runId', run).replace(':ruleId', 'r');
    if (/import|replay/.test(path)) return who.send(at, 'time\n');
    return who.call(method, at, bodies[`${method} ${path}`]);
  };

  test.each(OURS)(
    '$method $path is 404 for another person, and leaves all as it was',
    async (endpoint) => {
      const before = await (await ada.call('GET', `/api/models/${modelId}`)).text();
      for (const who of [grace, boss]) {
        const answer = await ask(who, endpoint, modelId, runId);
        expect(answer.status).toBe(404);
        expect(await answer.json()).toMatchObject({ error: { code: 'request/not-found' } });
      }
      expect((await ask(grace, endpoint, 'no-such-model', runId)).status).toBe(404);
      expect(await (await ada.call('GET', `/api/models/${modelId}`)).text()).toBe(before);
    },
  );

  test.each(OURS.filter(({ path }) => path.includes(':runId')))(
    '$method $path is 404 for a run of another model, and for what is no id',
    async (endpoint) => {
      for (const run of [foreignRunId, 'x', '00000000-0000-7000-8000-000000000000']) {
        expect((await ask(ada, endpoint, modelId, run)).status).toBe(404);
      }
      expect((await ask(ada, endpoint, 'buy_and_hold', runId)).status).toBe(404);
    },
  );

  /** What a user says of a model for their own chats is theirs, whoever's the model is (CHAT-4). */
  const ofTheAsker = /\/(?:ai|instructions)(?:\/|$)/;
  test.each(OURS.filter(({ method, path }) => method !== 'GET' && !ofTheAsker.test(path)))(
    '$method $path is refused on a model of the Floor',
    async (endpoint) => {
      const { status } = await ask(ada, endpoint, 'buy_and_hold', foreignRunId);
      expect(status).toBe(403);
      if (endpoint.path.includes('rules')) return;
      expect((await ask(boss, endpoint, 'buy_and_hold', foreignRunId)).status).toBe(403);
    },
  );

  test('a list holds nobody else’s models', async () => {
    const { models } = await json<ModelsAnswer>(await grace.call('GET', '/api/models'));
    expect(models.map(({ id }) => id)).not.toContain(modelId);
  });
});

test('everybody reads the runs of the Floor, and an administrator gives its agents rules that hold at once', async () => {
  const { runs } = await json<RunsAnswer>(await grace.call('GET', '/api/models/deepseek_ml/runs'));
  const rule = { id: 'calm', kind: 'max_trades_per_day', trades: 0 };
  const at = '/api/models/deepseek_ml/rules';
  const answer = await json<RuleChangeAnswer>(await boss.call('POST', at, { rule }), 201);
  expect(answer.appliedTo).toEqual([runs[0]?.id]);
  await eventually('it is checked against it', async () => {
    const { rules } = await readRun(grace, 'deepseek_ml');
    return rules.some(({ id }) => id === 'calm');
  });
  const { rules } = await json<RulesAnswer>(await grace.call('GET', at));
  expect(rules.map(({ id }) => id)).toEqual(['calm']);
  const after = await json<RuleChangeAnswer>(await boss.call('DELETE', `${at}/calm`));
  expect(after.rules).toEqual([]);
  await eventually('it is so no longer', async () => {
    const { rules } = await readRun(grace, 'deepseek_ml');
    return rules.length === 0;
  });
});

test.each([
  ['no name', { strategy: 'hold' }],
  ['a strategy that there is not', { name: 'X', strategy: 'astrology' }],
  ['more money than the market takes', { name: 'X', strategy: 'hold', startingCash: 2e6 }],
  ['a line break in the name', { name: 'a\nb', strategy: 'hold' }],
])('a model with %s is refused', async (_, body) => {
  const answer = await ada.call('POST', '/api/models', body);
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ error: { code: 'request/invalid' } });
});

test.each([
  ['of no kind', { rule: { percent: 3 } }],
  ['of a kind that there is not', { rule: { kind: 'luck' } }],
  ['with a number out of range', { rule: { kind: 'stop_loss', percent: 300 } }],
  ['that is none', { rule: null }],
])('a rule %s is refused', async (_, body) => {
  const { id } = await makeModel(ada);
  const answer = await ada.call('POST', `/api/models/${id}/rules`, body);
  expect(answer.status).toBe(400);
});

// The market as a whole: deterministic, conserving, resumable, fast, and its rules really hold.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { AGENTS } from '../agents/agents.ts';
import { STRATEGIES } from '../agents/strategies/registry.ts';
import { type AgentSpec, createMarket, type Market, restoreMarket } from './market.ts';
import { dollars } from './money.ts';
import type { OrderRequest } from './order.ts';
import { parsePriceCsv } from './price-csv.ts';
import { replayedPrices } from './replay.ts';
import type { TickReport } from './report.ts';
import type { AgentView, StrategyFactory } from './strategy.ts';

const five = (seed: string, ticksPerDay = 600): Market =>
  createMarket({ seed, ticksPerDay, strategies: STRATEGIES, agents: AGENTS });

const run = (market: Market, ticks: number): TickReport[] =>
  Array.from({ length: ticks }, () => market.tick());

/** As JSON with sorted keys: storage may give an object's fields back in another order. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(
          Object.entries(inner).toSorted(([one], [other]) => (one < other ? -1 : 1)),
        )
      : inner,
  );

const hash = (value: unknown): string =>
  createHash('sha256').update(canonical(value)).digest('hex').slice(0, 16);

/** Asks for what `plan` says at each tick and remembers what it was shown. */
function scripted(plan: (view: AgentView) => readonly OrderRequest[]): StrategyFactory {
  return () => ({
    decide(view) {
      const none = { best: null, worst: null, buying: null };
      const reasoning = { kind: 'hold' as const, targets: 0, filled: 0, ...none };
      return { orders: plan(view), cancels: [], reasoning };
    },
    snapshot: () => null,
  });
}

const buy = (symbol: string, quantity: number): OrderRequest => ({
  ...{ symbol, quantity, venue: 'harbour', side: 'buy', kind: 'market', limit: null, tag: '' },
});

const scriptedMarket = (
  plan: (view: AgentView) => readonly OrderRequest[],
  spec: Partial<AgentSpec> = {},
): Market =>
  createMarket({
    seed: 'scripted',
    ticksPerDay: 100,
    strategies: { scripted: scripted(plan) },
    agents: [{ id: 'one', strategy: 'scripted', ...spec }],
  });

test('a seed gives the same day, trades and decisions included, on every machine', () => {
  const reports = run(five('desk'), 600);
  expect(hash(reports)).toMatchInlineSnapshot(`"a9138882366843c8"`);
  expect(hash(run(five('desk'), 600))).toBe(hash(reports));
  expect(hash(run(five('other'), 600))).not.toBe(hash(reports));
});

test('money and shares are conserved at every tick, makers, public and fees included', () => {
  const market = five('conserved', 120);
  const { cash } = market.totals();
  expect(cash).toBe(dollars(500_000));
  for (let tick = 0; tick < 360; tick += 1) {
    const { equity } = market.tick();
    const totals = market.totals();
    expect(totals.cash).toBe(cash);
    expect(Object.values(totals.shares).every((shares) => shares === 0)).toBe(true);
    for (const one of equity) {
      const gained = one.realised + one.unrealised - one.fees;
      expect(one.equity - dollars(100_000)).toBe(gained);
    }
  }
});

test('written to JSON and read back in the middle of a day, it goes on as if nothing had been', () => {
  for (const stop of [0, 1, 333, 600]) {
    const market = five('restored');
    run(market, stop);
    const text = JSON.stringify(market.snapshot());
    const restored = restoreMarket({ seed: 'ignored', strategies: STRATEGIES }, JSON.parse(text));
    expect(hash(restored.snapshot())).toBe(hash(JSON.parse(text)));
    expect(hash(run(restored, 300))).toBe(hash(run(market, 300)));
    expect(hash(restored.standings())).toBe(hash(market.standings()));
    expect(hash(restored.snapshot())).toBe(hash(market.snapshot()));
  }
});

test('a tick with five agents and ten symbols takes under two milliseconds', () => {
  const market = five('speed');
  run(market, 200);
  const times = Array.from({ length: 400 }, () => {
    const start = performance.now();
    market.tick();
    return performance.now() - start;
  }).toSorted((one, other) => one - other);
  expect(times[200]).toBeLessThan(2);
});

test('every agent trades, none without end, and they end the week in different places', () => {
  const market = five('week');
  const reports = run(market, 5 * 600);
  for (const { id } of AGENTS) {
    const orders = new Set(
      reports
        .flatMap(({ fills }) => fills.filter((fill) => fill.agentId === id))
        .map((fill) => fill.orderId),
    );
    expect(orders.size / 5).toBeGreaterThan(1);
    expect(orders.size / 5).toBeLessThan(400);
  }
  const ends = market.standings().map(({ equity }) => equity);
  expect(new Set(ends).size).toBe(AGENTS.length);
  for (const equity of ends) expect(Math.abs(equity / dollars(100_000) - 1)).toBeLessThan(0.2);
});

test('every fill points to the decision that caused it, and every report is plain JSON', () => {
  const decisions = new Set<string>();
  for (const report of run(five('linked', 200), 400)) {
    for (const { id, agentId } of report.decisions) decisions.add(`${agentId} ${id}`);
    for (const fill of report.fills) {
      expect(decisions.has(`${fill.agentId} ${fill.decisionId}`)).toBe(true);
    }
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  }
});

test('a refused order says which rule, is not executed, and is not asked again at once', () => {
  const blocked: boolean[] = [];
  const rules = [{ id: 'only-tarn', kind: 'allowed_symbols' as const, symbols: ['TARN'] }];
  const market = scriptedMarket(
    (view) => {
      blocked.push(view.isBlocked('KELD', 'buy'));
      return view.tick === 1 ? [buy('KELD', 5), buy('TARN', 5)] : [];
    },
    { rules },
  );
  const report = market.tick();
  expect(report.refused).toMatchObject([{ agentId: 'one', ruleId: 'only-tarn' }]);
  expect(report.refused[0]?.reason).toContain('KELD is not on the list');
  expect(report.fills.map(({ symbol }) => symbol)).toEqual(['TARN']);
  run(market, 7);
  expect(blocked.slice(0, 3)).toEqual([false, true, true]);
  expect(blocked.at(-1)).toBe(false);
});

test('a limit on trades a day holds, and a new day begins at nothing', () => {
  const rules = [{ id: 'three', kind: 'max_trades_per_day' as const, trades: 3 }];
  const market = scriptedMarket(() => [buy('MYRA', 1)], { rules });
  const fills = run(market, 200).flatMap((report) => report.fills.map(() => report.day));
  expect(fills).toEqual([0, 0, 0, 1, 1, 1]);
});

test('a stop loss sells by itself, says why, and keeps the symbol out until tomorrow', () => {
  const rules = [{ id: 'tight', kind: 'stop_loss' as const, percent: 0.3 }];
  const market = scriptedMarket((view) => (view.holdings.has('ZUNO') ? [] : [buy('ZUNO', 50)]), {
    rules,
  });
  const reports = run(market, 300);
  const stops = reports.flatMap(({ decisions }) => decisions.map(({ reasoning }) => reasoning));
  const [first] = stops.filter((reasoning) => reasoning.kind === 'stop_loss');
  expect(first).toMatchObject({ ruleId: 'tight', symbol: 'ZUNO', limitPercent: 0.3 });
  const stopDay = reports.find(({ fills }) => fills.some(({ tag }) => tag === 'stop'))!.day;
  const later = reports.filter(({ day }) => day === stopDay).flatMap(({ fills }) => fills);
  expect(later.at(-1)).toMatchObject({ side: 'sell', tag: 'stop' });
  const refused = reports.flatMap((report) => report.refused);
  expect(refused.some(({ reason }) => reason.includes('was stopped out today'))).toBe(true);
});

test('rules set while it runs hold from the next order on', () => {
  const market = scriptedMarket(() => [buy('MYRA', 1)]);
  expect(market.tick().fills).toHaveLength(1);
  market.setRules('one', [{ id: 'none', kind: 'max_trades_per_day', trades: 0 }]);
  expect(market.tick()).toMatchObject({ fills: [], refused: [{ ruleId: 'none' }] });
  expect(market.standing('one')?.rules).toHaveLength(1);
});

test('an agent can join later, and one that is closed leaves no orders and no holes', () => {
  const market = five('joining', 120);
  run(market, 60);
  market.addAgent({ id: 'late', strategy: 'hold', cash: dollars(5_000) });
  market.closeAgent('gemini_grid');
  const report = market.tick();
  expect(report.equity.map(({ agentId }) => agentId)).toContain('late');
  expect(report.equity.map(({ agentId }) => agentId)).not.toContain('gemini_grid');
  expect(market.standing('gemini_grid')).toMatchObject({ isOpen: false, working: [] });
  expect(market.totals().cash).toBe(dollars(505_000));
});

test('an agent that is retired is gone, and what it had is not: money and shares are all there', () => {
  const market = five('retiring', 120);
  run(market, 60);
  const before = market.totals();
  const { equity } = market.standing('buy_and_hold')!;
  const standing = market.retireAgent('buy_and_hold');
  expect(standing).toMatchObject({ agentId: 'buy_and_hold', isOpen: false, equity, working: [] });
  expect(standing.holdings.length).toBeGreaterThan(0);
  expect(market.totals()).toEqual(before);
  market.retireAgent('gemini_grid');
  expect(market.totals()).toEqual(before);
  expect(market.standing('buy_and_hold')).toBeUndefined();
  const again = restoreMarket(
    { seed: 'retiring', ticksPerDay: 120, strategies: STRATEGIES },
    JSON.parse(JSON.stringify(market.snapshot())),
  );
  expect(again.tick()).toEqual(market.tick());
  market.addAgent({ id: 'buy_and_hold', strategy: 'hold' });
  expect(market.tick().equity.map(({ agentId }) => agentId)).toContain('buy_and_hold');
  expect(() => market.retireAgent('gemini_grid')).toThrow('no agent "gemini_grid"');
});

test('imported prices drive the same market, up to their last tick', () => {
  const lines = Array.from({ length: 60 }, (_, n) => {
    const time = new Date(Date.UTC(2026, 1, n < 30 ? 2 : 3, 10, (n % 30) * 5)).toISOString();
    const [open, close] = [100 + n, 101 + n];
    return `UP,${time},${open},${close + 1},${open - 1},${close},50000`;
  });
  const parsed = parsePriceCsv(['symbol,time,open,high,low,close,volume', ...lines].join('\n'));
  if (parsed.kind === 'invalid') throw new Error(JSON.stringify(parsed.problems));
  const prices = replayedPrices(parsed.bars);
  const agents = [{ id: 'holder', strategy: 'hold' }];
  const market = createMarket({ seed: 'replay', strategies: STRATEGIES, prices, agents });
  const reports: TickReport[] = [];
  while (!market.clock().isOver) reports.push(market.tick());
  expect(reports).toHaveLength(240);
  expect(reports.at(-1)?.isLast).toBe(true);
  expect(market.standing('holder')!.equity).toBeGreaterThan(dollars(130_000));
  expect(() => market.tick()).toThrow('played out');
});

test('wrong calls are refused with what to do', () => {
  const market = five('wrong', 60);
  expect(() => market.addAgent({ id: 'x', strategy: 'astrology' })).toThrow(
    'no strategy "astrology"',
  );
  expect(() => market.setRules('nobody', [])).toThrow('no agent "nobody"');
  expect(() => market.depth('NOPE', 'harbour', 3)).toThrow('Nothing is listed');
  expect(() => restoreMarket({ seed: '', strategies: STRATEGIES }, { format: 2 })).toThrow(
    'not a market snapshot',
  );
  const negative = { takerBps: -1, makerBps: 0 };
  expect(() => createMarket({ seed: '', strategies: STRATEGIES, fees: negative })).toThrow(
    'basis points',
  );
});

// Messages: true to the figures, short, varied, and never the same twice in a row.
import { expect, test } from 'vitest';
import { createMarket, type Market } from '../market/market.ts';
import { createRandom } from '../market/prng.ts';
import type { AgentStanding } from '../market/report.ts';
import { AGENTS } from './agents.ts';
import { tradesOf } from './phrasing/trades.ts';
import { clock, money, plural, signedPercent } from './phrasing/words.ts';
import { phraseMessages, topicsFor } from './phrasing.ts';
import { STRATEGIES } from './strategies/registry.ts';

const open = (seed: string): Market =>
  createMarket({ seed, ticksPerDay: 300, strategies: STRATEGIES, agents: AGENTS });

/** Every 25th tick of three days, every agent. */
function visit(seed: string, look: (standing: AgentStanding, market: Market) => void): void {
  const market = open(seed);
  for (let tick = 1; tick <= 900; tick += 1) {
    market.tick();
    if (tick % 25 !== 0) continue;
    for (const standing of market.standings()) look(standing, market);
  }
}

test('A9: the five agents are the ones named, with their colours', () => {
  expect(AGENTS.map(({ id, name, color }) => [id, name, color])).toEqual([
    ['claude_arbitrage', 'Claude Arbitrage', '#A0826D'],
    ['chatgpt_openai', 'GPT-4 Momentum', '#C9B1E0'],
    ['gemini_grid', 'Gemini Grid', '#9CAF88'],
    ['deepseek_ml', 'DeepSeek ML', '#1E90FF'],
    ['buy_and_hold', 'Buy & Hold', '#000000'],
  ]);
});

test('A2: an agent always has two true messages, from before the first tick’s trades on', () => {
  const market = open('first');
  market.tick();
  for (const standing of market.standings()) {
    const random = createRandom(standing.agentId);
    expect(phraseMessages({ standing, quotes: market.quotes() }, { random })).toHaveLength(2);
  }
});

test('before the first tick an agent says that, and nothing else', () => {
  const market = open('before');
  const standing = market.standing('deepseek_ml')!;
  const phrases = phraseMessages({ standing, quotes: [] }, { random: createRandom('x') });
  expect(phrases.map(({ content }) => content)).toEqual([
    'The market has not ticked yet. $100,000.00 in cash.',
  ]);
});

test('every wording of every topic is short, whole, and free of broken figures', () => {
  let texts = 0;
  visit('whole', (standing, market) => {
    for (const { texts: wordings } of topicsFor({ standing, quotes: market.quotes() })) {
      for (const text of wordings) {
        texts += 1;
        expect(text.length).toBeLessThan(320);
        expect(text).not.toMatch(
          /NaN|undefined|null|Infinity|\$-|--|\s\s|\+-|-0\.00%|\D1 shares|^[a-z]/,
        );
        expect(text).toMatch(/^[A-Z0-9$+-].*[.!%?]$/);
        const sentences = text.split(/[.!?](?:\s|$)/).filter((part) => part.trim() !== '');
        expect(sentences.length).toBeLessThanOrEqual(4);
      }
    }
  });
  expect(texts).toBeGreaterThan(3_000);
});

test('the figures in trade messages are those of the fills', () => {
  let checked = 0;
  visit('true', (standing, market) => {
    const last = tradesOf(standing).at(-1);
    if (last === undefined) return;
    const fills = standing.recentFills.filter(({ orderId }) => orderId === last.orderId);
    expect(last.quantity).toBe(fills.reduce((sum, fill) => sum + fill.quantity, 0));
    expect(last.notional).toBe(fills.reduce((sum, fill) => sum + fill.price * fill.quantity, 0));
    const topics = topicsFor({ standing, quotes: market.quotes() });
    const about = topics.filter(({ type, name }) => type === 'trade' && name !== 'trip');
    for (const { texts } of about) {
      const symbols = new Set(standing.recentFills.map(({ symbol }) => symbol));
      for (const text of texts)
        expect([...symbols].some((symbol) => text.includes(symbol))).toBe(true);
    }
    const named = about.find(({ name }) => /^(entered|bought|rung-filled)$/.test(name));
    if (named === undefined || last.side !== 'buy') return;
    expect(named.texts[0]).toContain(plural(last.quantity, 'share'));
    expect(named.texts[0]).toContain(money(last.averagePrice));
    checked += 1;
  });
  expect(checked).toBeGreaterThan(20);
});

test('the day’s figures in a message are the standing’s', () => {
  visit('day', (standing, market) => {
    const day = topicsFor({ standing, quotes: market.quotes() }).find(({ name }) => name === 'day');
    if (day === undefined) return;
    expect(day.texts[0]).toContain(money(standing.equity));
    const percent = signedPercent((standing.dayProfit / standing.equityAtOpen) * 100);
    expect(day.texts[0]).toContain(percent);
  });
});

test('messages vary in words and kind, and none of the recent ones is repeated', () => {
  const recent = new Map<string, string[]>();
  const types = new Map<string, Set<string>>();
  visit('varied', (standing, market) => {
    const { agentId } = standing;
    const before = recent.get(agentId) ?? [];
    const random = createRandom(`${agentId} ${before.length}`);
    const phrases = phraseMessages(
      { standing, quotes: market.quotes() },
      { random, recent: before },
    );
    expect(new Set(phrases.map(({ content }) => content)).size).toBe(phrases.length);
    const frame = (text: string): string => text.replace(/[A-Z]{4}|[^a-zA-Z]+/g, ' ');
    const told = before.map(frame);
    for (const { content } of phrases) expect(told).not.toContain(frame(content));
    recent.set(agentId, [...before, ...phrases.map(({ content }) => content)].slice(-40));
    const seen = types.get(agentId) ?? new Set();
    for (const { type } of phrases) seen.add(type);
    types.set(agentId, seen);
  });
  for (const { id } of AGENTS) expect(types.get(id)?.size).toBe(3);
});

test('the same state and randomness give the same words', () => {
  const market = open('same');
  for (let tick = 0; tick < 250; tick += 1) market.tick();
  const standing = market.standing('gemini_grid')!;
  const say = () =>
    phraseMessages({ standing, quotes: market.quotes() }, { random: createRandom('r'), count: 3 });
  expect(say()).toEqual(say());
  expect(say()).toHaveLength(3);
});

test('the grid says of a price that went straight that it was only what was left', () => {
  const market = open('straight');
  for (let tick = 0; tick < 250; tick += 1) market.tick();
  const standing = market.standing('gemini_grid')!;
  const { lastDecision } = standing;
  const seen = lastDecision?.reasoning;
  if (lastDecision === null || seen?.kind !== 'grid') throw new Error('no decision of the grid');
  const wordings = (choppiness: number): string => {
    const grids = seen.grids.map((one) => ({ ...one, choppiness }));
    const told = { ...standing, lastDecision: { ...lastDecision, reasoning: { ...seen, grids } } };
    const topics = topicsFor({ standing: told, quotes: market.quotes() });
    return topics.flatMap(({ texts }) => texts).join(' ');
  };
  expect(seen.grids.length).toBeGreaterThan(0);
  expect(wordings(31.4)).toContain('had walked 31 times as far as it got');
  expect(wordings(1.2)).toContain('had hardly turned round');
  expect(wordings(1.2)).not.toContain('times as far');
});

test('a refused order is told with its rule', () => {
  const rules = [{ id: 'no-zuno', kind: 'allowed_symbols' as const, symbols: ['TARN'] }];
  const agents = [{ id: 'holder', strategy: 'hold', rules }];
  const market = createMarket({ seed: 'refused', strategies: STRATEGIES, agents });
  market.tick();
  const standing = market.standing('holder')!;
  const topic = topicsFor({ standing, quotes: market.quotes() }).find(
    ({ name }) => name === 'refused',
  );
  expect(topic?.texts[0]).toMatch(/refused by no-zuno: ORVX is not on the list/);
});

test('times are the market’s, to the minute', () => {
  expect(clock('2026-01-05T11:42:13.000Z')).toBe('11:42');
});

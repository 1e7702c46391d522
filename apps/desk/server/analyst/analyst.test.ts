// Questions to the built-in analyst about runs that were really traded and kept: which tools it uses, and that what it
// says are the database's figures. The figures are asked of the database by statements of their own.

import { createRuns } from '@millrace/ai';
import { aiRuns, conversations, textOfRun } from '@millrace/protocol/runs';
import { createHub, memoryEngine } from '@millrace/server';
import { isStepCount, type ModelMessage, streamText } from 'ai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FLOOR_USER_ID } from '../database/as-user.ts';
import { formatMoney, fromDecimal } from '../market/money.ts';
import { databaseRecords } from '../run-record/record-source.ts';
import { eventually } from '../testing/eventually.ts';
import { openTradedMarket, type TradedMarket } from '../testing/traded-market.ts';
import { tradingTools } from '../trading-tools/trading-tools.ts';
import { analystModel } from './analyst-model.ts';

const MOMENTUM = 'chatgpt_openai';
const GRID = 'gemini_grid';
const HOLD = 'buy_and_hold';

let market: TradedMarket;
let facts: Record<string, string> = {};

beforeAll(async () => {
  market = await openTradedMarket({ seed: 'desk', days: 6 });
  facts = await gatherFacts();
});
afterAll(() => market.close());

const sql = (text: string) => market.storage.sql.query(text, []);
const model = analystModel({ delayMs: 0 });

function toolsFor(modelId: string | null) {
  const focus = modelId === null ? null : { modelId, runId: 'latest' };
  return tradingTools(databaseRecords(market.storage.sql, { userId: FLOOR_USER_ID, focus }));
}

interface Said {
  readonly text: string;
  readonly calls: readonly string[];
}

const answered = new Map<string, Promise<Said>>();

/** Asked once, however many tests look at the answer. */
function ask(modelId: string | null, ...questions: readonly string[]): Promise<Said> {
  const key = JSON.stringify([modelId, questions]);
  const known = answered.get(key) ?? converse(modelId, questions);
  answered.set(key, known);
  return known;
}

async function converse(modelId: string | null, questions: readonly string[]): Promise<Said> {
  const messages: ModelMessage[] = [];
  let said: Said = { text: '', calls: [] };
  for (const content of questions) {
    messages.push({ role: 'user', content });
    const result = streamText({
      ...{ model, messages, tools: toolsFor(modelId), stopWhen: isStepCount(5) },
      onError: () => undefined,
    });
    const steps = await result.steps;
    said = {
      text: await result.text,
      calls: steps.flatMap(({ toolCalls }) =>
        toolCalls.map(({ toolName, input }) =>
          `${toolName} ${Object.values(input as object).join(' ')}`.trim(),
        ),
      ),
    };
    messages.push({ role: 'assistant', content: said.text });
  }
  return said;
}

/** By names in braces in the table below. */
async function gatherFacts(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const money = (text: unknown): string => formatMoney(fromDecimal(String(text)));
  const signed = (text: unknown): string =>
    `${String(text).startsWith('-') ? '' : '+'}${money(text)}`;
  for (const [name, modelId] of Object.entries({ m: MOMENTUM, g: GRID, h: HOLD })) {
    const run = `(select id from desk.runs where model_id = '${modelId}')`;
    const [row] = await sql(`select *, (equity - starting_cash)::text as profit,
      round((equity / starting_cash - 1) * 100, 2)::text as percent from desk.runs where id = ${run}`);
    const [sides] = await sql(`select
      sum(notional) filter (where side = 'sell')::text as sold,
      count(distinct order_number) filter (where side = 'buy')::text as buys,
      count(distinct order_number) filter (where side = 'sell')::text as sells
      from desk.fills where run_id = ${run}`);
    const [newest] =
      await sql(`select '#' || min(number) as id from desk.fills where run_id = ${run}
      and order_number = (select order_number from desk.fills where run_id = ${run} order by number desc limit 1)`);
    const [top] = await sql(
      `select min(equity)::text as low from desk.equity_points where run_id = ${run}`,
    );
    Object.assign(found, {
      [`${name}.profit`]: signed(row?.['profit']),
      [`${name}.percent`]: `${String(row?.['percent']).startsWith('-') ? '' : '+'}${String(row?.['percent'])}%`,
      [`${name}.equity`]: money(row?.['equity']),
      [`${name}.cash`]: money(row?.['cash']),
      [`${name}.realised`]: signed(row?.['realised']),
      [`${name}.unrealised`]: signed(row?.['unrealised']),
      [`${name}.fees`]: money(row?.['fees']),
      [`${name}.sold`]: money(sides?.['sold'] ?? '0.0000'),
      [`${name}.buys`]: String(sides?.['buys']),
      [`${name}.sells`]: String(sides?.['sells']),
      [`${name}.newest`]: String(newest?.['id']),
      [`${name}.low`]: money(top?.['low']),
    });
  }
  // Momentum buys and sells whole: a trade is one selling order, less its fee and that of the buying order before it.
  const trades = await sql(`with orders as (
      select symbol, side, order_number, min(number) as id, min(filled_at) as at, sum(fee) as fee, sum(realised) as realised
      from desk.fills where run_id = (select id from desk.runs where model_id = '${MOMENTUM}') group by 1, 2, 3),
    trades as (select *, realised - fee - lag(fee) over (partition by symbol order by id) as profit,
      lag(at) over (partition by symbol order by id) as opened from orders)
    select '#' || id as id, symbol, profit::text as profit, extract(hour from opened at time zone 'UTC')::int as hour
    from trades where side = 'sell' order by trades.profit`);
  const profitOf = (rows: typeof trades): number =>
    rows.reduce((sum, row) => sum + fromDecimal(String(row['profit'])), 0);
  const dollarsOf = (amount: number): string => `${amount > 0 ? '+' : ''}${formatMoney(amount)}`;
  const won = trades.filter((row) => !String(row['profit']).startsWith('-'));
  const quil = trades.filter((row) => row['symbol'] === 'QUIL');
  const hours = Map.groupBy(trades, (row) => Number(row['hour']));
  const late = [...hours].toSorted(([, one], [, other]) => profitOf(one) - profitOf(other))[0];
  return {
    ...found,
    'm.worst': String(trades[0]?.['id']),
    'm.worst.profit': signed(trades[0]?.['profit']),
    'm.second': String(trades[1]?.['id']),
    'm.third': String(trades[2]?.['id']),
    'm.fourth': String(trades[3]?.['id']),
    'm.best': String(trades.at(-1)?.['id']),
    'm.best.profit': signed(trades.at(-1)?.['profit']),
    'm.best.symbol': String(trades.at(-1)?.['symbol']),
    'm.trades': String(trades.length),
    'm.won': String(won.length),
    'm.rate': `${((won.length / trades.length) * 100).toFixed(1)}%`,
    'm.net': dollarsOf(profitOf(trades)),
    'm.lost.net': dollarsOf(profitOf(trades.filter((row) => !won.includes(row)))),
    'm.quil': formatMoney(Math.abs(profitOf(quil))),
    'm.quil.count': String(quil.length),
    'm.hour': `${late?.[0]}:00–`,
    'm.hour.profit': dollarsOf(profitOf(late?.[1] ?? [])),
  };
}

const ALL = 'analyze_trades all';
const METRICS = 'calculate_metrics all';

/** Question or questions, model, tools with their inputs, and what the answer says. */
const TABLE: readonly (readonly [
  string | readonly string[],
  string | null,
  readonly string[],
  readonly string[],
])[] = [
  [
    'Why did it lose money?',
    MOMENTUM,
    [ALL, METRICS, 'suggest_rules Why did it lose money?'],
    [
      '{m.profit}',
      '{m.percent}',
      '{m.realised}',
      '{m.unrealised}',
      '-{m.fees}',
      '{m.worst}',
      '{m.worst.profit}',
      'trend score',
    ],
  ],
  [
    'What went wrong?',
    MOMENTUM,
    [ALL, METRICS, 'suggest_rules What went wrong?'],
    ['{m.won} of {m.trades} trades won ({m.rate})', 'counterfactual'],
  ],
  [
    'Why did it make money?',
    GRID,
    [ALL, METRICS, 'suggest_rules Why did it make money?'],
    ['{g.profit}', '{g.realised}', 'offer of a grid'],
  ],
  [
    'Why did it lose so much?',
    GRID,
    [ALL, METRICS, 'suggest_rules Why did it lose so much?'],
    ['It has **not** lost money', '{g.profit}'],
  ],
  [
    'What were the 3 worst trades?',
    MOMENTUM,
    [ALL],
    ['{m.worst}', '{m.worst.profit}', '{m.second}', '{m.third}', 'bought because'],
  ],
  ['Show me the biggest loss', MOMENTUM, [ALL], ['{m.worst}', '{m.worst.profit}']],
  ['whats the best trade', MOMENTUM, [ALL], ['{m.best}', '{m.best.profit}', '{m.best.symbol}']],
  ['top 8 trades', MOMENTUM, ['analyze_trades outcome best 8'], ['{m.best}', '{m.best.profit}']],
  [
    ['What were the 3 best trades?', 'and the worst?'],
    MOMENTUM,
    [ALL],
    ['The 3 worst trades', '{m.worst}', '{m.third}'],
  ],
  [
    'list all loosing trades',
    MOMENTUM,
    ['analyze_trades outcome loss'],
    ['{m.lost.net}', '{m.worst}'],
  ],
  [
    'Tell me about trade {m.worst}',
    MOMENTUM,
    ['analyze_trades all {m.worst}'],
    ['Trade {m.worst}', '{m.worst.profit}', 'sold because'],
  ],
  [['what was the worst trade', 'why?'], MOMENTUM, [ALL], ['{m.worst}', 'sold because']],
  [
    'How did QUIL do?',
    MOMENTUM,
    ['analyze_trades symbol QUIL'],
    ['QUIL lost {m.quil} over {m.quil.count} trades'],
  ],
  [
    ['What were the worst trades?', 'what about QUIL?'],
    MOMENTUM,
    ['analyze_trades symbol QUIL'],
    ['{m.quil}'],
  ],
  ['what about AAPL?', MOMENTUM, ['analyze_trades symbol AAPL'], ['never traded AAPL']],
  ['Which symbols do best?', MOMENTUM, [ALL], ['QUIL', '{m.net}']],
  [
    'how do the sells look',
    MOMENTUM,
    ['analyze_trades action sell'],
    ['{m.sells} orders', '{m.sold}', '{m.realised}'],
  ],
  [
    ['show the sells', 'and the buys?'],
    MOMENTUM,
    ['analyze_trades action buy'],
    ['{m.buys} orders'],
  ],
  ['At which hours does it lose?', MOMENTUM, [ALL], ['{m.hour}', '{m.hour.profit}']],
  [
    'How were trades between 10:00 and 12:00?',
    MOMENTUM,
    ['analyze_trades time 10:00-12:00'],
    ['10:00–11:00', '11:00–12:00'],
  ],
  ['Which day was the worst?', MOMENTUM, [ALL, METRICS], ['2026-01-05', '2026-01-12']],
  [
    'What happened on 2026-01-07?',
    MOMENTUM,
    ['analyze_trades time 2026-01-07', 'calculate_metrics returns'],
    ['on 2026-01-07', 'Equity moved'],
  ],
  ['longest loosing steak', MOMENTUM, [ALL], ['losses', '{m.rate} of {m.trades} trades won']],
  ['how much did i pay in fees', MOMENTUM, [ALL], ['{m.fees}', '{m.profit}']],
  [
    'What does it hold right now?',
    MOMENTUM,
    [ALL, METRICS],
    ['{m.unrealised}', '{m.cash}', '{m.equity}'],
  ],
  [
    'How risky is this?',
    MOMENTUM,
    [ALL, METRICS],
    ['Volatility', 'Deepest fall', 'Largest position'],
  ],
  [
    'whats the drwadown, and why?',
    MOMENTUM,
    ['calculate_metrics risk'],
    ['{m.low}', 'sold because'],
  ],
  [
    'Sharpe ratio?',
    MOMENTUM,
    [METRICS],
    ['Sharpe', 'Sortino', '261 sessions a year', '{m.percent}'],
  ],
  ['How are the returns?', MOMENTUM, [ALL, METRICS], ['{m.percent}', '{m.profit}', '{m.net}']],
  [
    'What is the win rate?',
    MOMENTUM,
    [ALL],
    ['{m.rate} won', '{m.trades} closed trades', '{m.net}'],
  ],
  ['how long does it hold a trade', MOMENTUM, [ALL], ['All {m.trades} closed trades']],
  [
    'What rule would have helped?',
    MOMENTUM,
    ['suggest_rules What rule would have helped?'],
    ['Based on “What rule would have helped?”, I suggest', '{m.profit}', 'hindsight'],
  ],
  [
    'It trades too often. What can I do?',
    MOMENTUM,
    ['suggest_rules It trades too often. What can I do?'],
    ['trades a day'],
  ],
  [
    'would a stop loss have helped?',
    GRID,
    ['suggest_rules would a stop loss have helped?'],
    ['`stop_loss`'],
  ],
  ['which rules are in force?', MOMENTUM, [ALL], ['No rule is in force']],
  ['What did it do last, and why?', MOMENTUM, ['analyze_trades time last 5'], ['{m.newest}']],
  [
    'Compare all models',
    MOMENTUM,
    ['compare_runs'],
    ['{m.profit}', '{g.profit}', '{h.profit}', '{h.fees}'],
  ],
  [
    'compare momentum with Buy & Hold',
    GRID,
    ['compare_runs  GPT-4 Momentum,Buy & Hold'],
    ['2 runs compared', '{m.percent}', '{h.percent}'],
  ],
  [
    'list my runs',
    MOMENTUM,
    ['list_runs'],
    ['(this one)', '{m.equity}', '{g.equity}', '{h.equity}'],
  ],
  [
    'How is it doing?',
    MOMENTUM,
    [ALL, METRICS],
    ['{m.profit}', '{m.percent}', '{m.equity}', '{m.worst}', '{m.best}'],
  ],
  ['show stats', HOLD, [ALL, METRICS], ['{h.profit}', '{h.percent}']],
  ['what is the win rate', HOLD, [ALL], ['has closed none of its trades yet', '{h.unrealised}']],
  [
    'show stats',
    null,
    [ALL, METRICS, 'list_runs'],
    ['No run is chosen', '{m.equity}', '{g.equity}'],
  ],
  ['hello', MOMENTUM, [], ['Hello']],
  ['who are you?', MOMENTUM, [], ['built-in analyst', 'rule-based']],
  ['will it go up tomorrow?', MOMENTUM, [], ['do not know what prices will do']],
  [
    'what is the best pizza in town',
    MOMENTUM,
    [],
    ['did not understand', 'What rule would have helped?'],
  ],
];

const filled = (text: string): string =>
  text.replace(/\{([\w.]+)\}/g, (_, name: string) => facts[name] ?? `no fact ${name}`);

describe('an answer', () => {
  test.each(TABLE)(
    'to %j about %s uses %j and says the figures',
    async (asked, modelId, calls, says) => {
      const questions = (typeof asked === 'string' ? [asked] : asked).map(filled);
      const { text, calls: made } = await ask(modelId, ...questions);
      expect(made).toEqual(calls.map(filled));
      for (const words of says) expect(text).toContain(filled(words));
      expect(text).not.toMatch(/NaN|Infinity|undefined|null|no fact/);
      expect(text.length).toBeLessThan(8_000);
    },
  );

  test('asked for in short is a heading, a sentence and three points', async () => {
    const { text } = await ask(MOMENTUM, 'Why did it lose money, in short?');
    expect(text).toContain(filled('{m.profit}'));
    expect(text.split('\n\n')).toHaveLength(3);
    expect(text.match(/^\d\. /gm)).toHaveLength(3);
  });

  test('never suggests a question that it does not understand', async () => {
    const suggested = new Set<string>();
    for (const [asked, modelId] of TABLE) {
      const { text } = await ask(
        modelId,
        ...(typeof asked === 'string' ? [asked] : asked).map(filled),
      );
      for (const [, next = ''] of (text.split('*You could ask next: ')[1] ?? '').matchAll(
        /“([^”]+)”/g,
      )) {
        suggested.add(next);
      }
    }
    expect(suggested.size).toBeGreaterThan(15);
    for (const question of suggested) {
      const { text, calls } = await ask(MOMENTUM, 'What were the worst trades?', question);
      expect(calls.length > 0 ? 'answered' : text, question).toBe('answered');
    }
  });
});

describe('as a run', () => {
  test('it calls its tools, says its answer and ends within seconds; a stop keeps what was said', async () => {
    const engine = memoryEngine();
    const database = market.storage.sql;
    const hub = createHub({ contracts: [aiRuns, conversations], engine, outbox: { database } });
    const ended: { text: string; status: string; tools: string[]; tokens: number }[] = [];
    const errors: string[] = [];
    const slow = analystModel({ delayMs: 5 });
    const runs = await createRuns({
      ...{ hub, database },
      answer: ({ question }) => ({
        model: slow,
        messages: [{ role: 'user', content: typeof question === 'string' ? question : '' }],
        tools: toolsFor(MOMENTUM),
        idempotentTools: Object.keys(toolsFor(MOMENTUM)),
      }),
      onEnd: async (_tx, run, state) => {
        const tools = state.parts.flatMap((part) =>
          part.type === 'tool' ? [`${part.name} ${part.status}`] : [],
        );
        const { status, usage } = run;
        ended.push({ text: textOfRun(state), status, tools, tokens: usage.outputTokens });
      },
      onError: ({ message }) => errors.push(message),
    });
    try {
      const begun = performance.now();
      const question = 'Why did it lose money?';
      await runs.start({ conversationId: 'one', userId: 'ada', question });
      await eventually('the run ended', () => ended.length === 1);
      expect(performance.now() - begun).toBeLessThan(5_000);
      expect(ended[0]).toMatchObject({
        status: 'completed',
        tools: ['analyze_trades done', 'calculate_metrics done', 'suggest_rules done'],
      });
      expect(ended[0]?.tokens).toBeGreaterThan(200);
      expect(ended[0]?.text).toContain(filled('{m.worst.profit}'));
      expect(ended[0]?.text).toBe((await ask(MOMENTUM, question)).text);

      const { run } = await runs.start({
        conversationId: 'two',
        userId: 'ada',
        question: 'Show stats',
      });
      for await (const told of hub.follow(aiRuns.of({ runId: run.id }), {
        start: 'start',
        signal: AbortSignal.timeout(5_000),
      })) {
        if (told.type === 'event' && told.event.type === 'text-delta') break;
      }
      await runs.stop(run.id, 'ada');
      await eventually('the run was stopped', () => ended.length === 2);
      expect(ended[1]).toMatchObject({ status: 'stopped', text: expect.stringMatching(/^## /) });
      expect(errors).toEqual([]);
    } finally {
      await runs.close();
      await hub.close();
      await engine.close();
    }
  });
});

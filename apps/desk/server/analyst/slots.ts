// What a question names: symbols, trades, runs, models, counts, times. Pure.

import { AGENTS } from '../agents/agents.ts';
import { SIMULATED_INSTRUMENTS } from '../market/instrument.ts';
import { isKnown, type Spelled } from './spelling.ts';

export interface Slots {
  readonly symbols: readonly string[];
  /** Trade ids. */
  readonly ids: readonly number[];
  readonly runs: readonly number[];
  /** Names of models, or parts of them. */
  readonly models: readonly string[];
  /** "Top 3". */
  readonly count: number | null;
  /** As `analyze_trades` takes it for `time`. */
  readonly time: string | null;
  readonly side: 'buy' | 'sell' | null;
}

/** Upper-case words that are no symbols. */
const NO_SYMBOLS = new Set(
  'I A AI API CSV DD EMA EOD ETF FAQ GPT ID IT LLM ML NO OK ON PDF PNL PL ROI SL SQL TP UI USD UTC VAR VS WHY ATR CAGR KPI RSI AM PM BUY SELL LONG SHORT AND OR THE'.split(
    ' ',
  ),
);

const HOUR = String.raw`\d{1,2}(?::[0-5]\d)?`;

/**
 * @param known symbols that the conversation has spoken of: they are recognised in lower case as well
 */
export function readSlots(question: string, spelled: Spelled, known: ReadonlySet<string>): Slots {
  const { text } = spelled;
  const ids = [...question.matchAll(/#(\d{1,9})\b/g)].map(([, digits]) => Number(digits));
  const trade = / (?:trade|fill)(?: number| no| id)? (\d{1,9}) /.exec(text);
  const isRunId = / runs? #/.test(text);
  const tradeIds = isRunId ? [] : [...ids, ...(trade === null ? [] : [Number(trade[1])])];
  return {
    symbols: symbolsIn(question, spelled, known),
    ids: [...new Set(tradeIds)],
    runs: runsIn(text),
    models: modelsIn(question, text),
    count: countIn(text),
    time: timeIn(text),
    side: sideIn(text),
  };
}

function symbolsIn(
  question: string,
  { text, words }: Spelled,
  known: ReadonlySet<string>,
): readonly string[] {
  const found: string[] = [];
  // In a question that is shouted, every word looks like a symbol.
  const isShouted = question === question.toUpperCase() && question.split(/\s+/).length > 3;
  for (const [word] of question.matchAll(/\$?\b[A-Z][A-Z0-9.]{0,9}\b/g)) {
    const symbol = word.replace('$', '').replace(/\.$/, '');
    const isIt = word.startsWith('$') || (symbol.length > 1 && !NO_SYMBOLS.has(symbol));
    if (isIt && (!isShouted || known.has(symbol))) found.push(symbol);
  }
  for (const word of words) {
    const symbol = word.toUpperCase();
    if (known.has(symbol)) found.push(symbol);
  }
  for (const { symbol, name } of SIMULATED_INSTRUMENTS) {
    const [first = ''] = name.toLowerCase().split(' ');
    if (text.includes(` ${symbol.toLowerCase()} `) || text.includes(` ${first} `))
      found.push(symbol);
  }
  const asked =
    / (?:what|how) about (?:the )?([a-z]{2,6}) $| (?:symbol|ticker|stock) ([a-z]{2,6}) /.exec(text);
  const word = asked?.[1] ?? asked?.[2];
  if (word !== undefined && !isKnown(word) && !STOP_WORDS.has(word)) found.push(word.toUpperCase());
  return [...new Set(found)].slice(0, 6);
}

const STOP_WORDS = new Set(
  'it is of to in on at by the and or did do does was has had me my we us'.split(' '),
);

function runsIn(text: string): readonly number[] {
  const listed =
    / runs? ((?:(?:number |no |#)?\d{1,5} (?:and |vs |versus |with |to |or |run |, )*)+)/.exec(
      text,
    );
  const numbers = (listed?.[1] ?? '').match(/\d+/g) ?? [];
  return [...new Set(numbers.map(Number))].filter((number) => number > 0).slice(0, 6);
}

function modelsIn(question: string, text: string): readonly string[] {
  const found = AGENTS.filter(({ name, strategy }) => {
    const words = name
      .toLowerCase()
      .replace('&', '')
      .split(/[\s-]+/);
    const whole = ` ${words.filter((word) => word !== '').join(' ')} `;
    const isNamed = words.some(
      (word) => word.length > 3 && word !== 'hold' && text.includes(` ${word} `),
    );
    return text.includes(whole) || isNamed || text.includes(` ${strategy} strategy `);
  }).map(({ name }) => name);
  if (/ buy and hold /.test(text)) found.push('Buy & Hold');
  const quoted = [...question.matchAll(/["“]([^"”]{1,80})["”]/g)].map(([, name = '']) => name);
  return [...new Set([...found, ...quoted])];
}

const COUNTS: Readonly<Record<string, number>> = {
  ...{ two: 2, three: 3, four: 4, five: 5, six: 6, seven: 7, eight: 8, nine: 9, ten: 10 },
};

function countIn(text: string): number | null {
  const number = String.raw`(\d{1,2}|${Object.keys(COUNTS).join('|')})`;
  const kind = '(?:best|worst|top|biggest|largest|last|latest|newest|first|recent|bottom|smallest)';
  const found =
    new RegExp(` ${kind} ${number} (?!days?|hours?|weeks?|utc|am|pm)`).exec(text) ??
    new RegExp(` ${number} (?:${kind}|most|trades|winners|losers) `).exec(text);
  const word = found?.[1];
  // "The worst trade" is one.
  const single =
    / (?:best|worst|biggest|largest|top|greatest|smallest) (?:single )?(?:trade|win|loss|winner|loser|deal|one|mistake) /;
  if (word === undefined) return single.test(text) ? 1 : null;
  const count = COUNTS[word] ?? Number(word);
  return count > 0 ? Math.min(count, 10) : null;
}

function timeIn(text: string): string | null {
  const date = / (\d{4}-\d{2}-\d{2}) /.exec(text);
  if (date !== null) return date[1] ?? null;
  const range = new RegExp(
    ` (?:between|from|during)? ?(${HOUR})(?: ?(?:and|to|until|-) ?|-)(${HOUR})(?: o clock| utc)? `,
  ).exec(text);
  if (range !== null && / (?:between|from|hours?|utc|during|o clock) |:\d\d/.test(text)) {
    return `${range[1]}-${range[2]}`;
  }
  const hour = new RegExp(` (?:at|around|hour|after) (${HOUR})(?: o clock| utc| hours?)? `).exec(
    text,
  );
  if (hour !== null) return hour[1] ?? null;
  if (/ today | (?:last|latest|this) day /.test(text)) return 'last day';
  if (/ yesterday /.test(text)) return 'yesterday';
  if (/ first day /.test(text)) return 'first day';
  if (/ mornings? /.test(text)) return 'morning';
  return / afternoons? /.test(text) ? 'afternoon' : null;
}

function sideIn(text: string): Slots['side'] {
  if (/ (?:buy|buys|buying|bought|long|longs|entries) /.test(text)) {
    return / (?:sell|sells|selling|sold|short|exits) /.test(text) ? null : 'buy';
  }
  return / (?:sell|sells|selling|sold|sales?|short|shorts|exits) /.test(text) ? 'sell' : null;
}

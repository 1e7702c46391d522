// A question, in the light of those before it, as what it asks for. Pure.

import { SIMULATED_INSTRUMENTS } from '../market/instrument.ts';
import { INTENTS, type Intent } from './intents.ts';
import { readSlots, type Slots } from './slots.ts';
import { spell } from './spelling.ts';
import type { Turn } from './turn.ts';

export interface Asked extends Slots {
  readonly intent: Intent | 'symbol' | 'trade' | 'unknown';
  /** What a "why" takes for granted. */
  readonly premise: 'lost' | 'made' | null;
  readonly question: string;
}

/** Reads the earlier questions first: "and the worst?" goes on from what they were about. */
export function understand({ question, asked, said, instructions }: Turn): Asked {
  const known = new Set<string>(SIMULATED_INSTRUMENTS.map(({ symbol }) => symbol));
  for (const text of [instructions, ...said]) {
    // As answers write them: first in the cell of a table, or with figures beside them.
    for (const [, symbol = ''] of text.matchAll(/(?:\| |in |\*\*)([A-Z]{3,6})(?= |\*\*|,)/g)) {
      known.add(symbol);
    }
  }
  let before: Asked | null = null;
  for (const one of asked.slice(-10)) before = readOne(one, known, before);
  return readOne(question, known, before);
}

/** Asked about alone, these go on from the question before. */
const CARRIES: ReadonlySet<Asked['intent']> = new Set([
  ...(['best', 'worst', 'winners', 'losers', 'why', 'fees', 'streaks', 'hours'] as const),
  ...(['statistics', 'symbol', 'holding time', 'side', 'last', 'returns'] as const),
]);

function readOne(question: string, known: ReadonlySet<string>, before: Asked | null): Asked {
  const spelled = spell(question);
  const { text, words } = spelled;
  const slots = readSlots(question, spelled, known);
  const found = INTENTS.find(([, pattern]) => pattern.test(text))?.[0];
  const premise = premiseOf(text);
  const isFollowUp =
    /^ (?:and|but|also|ok|so|what about|how about|same|now|then|only) /.test(text) ||
    words.length <= 3;
  const only = (intent: Asked['intent']): Asked => ({ ...slots, intent, premise, question });

  if (slots.ids.length > 0) return only('trade');
  if (before !== null && isFollowUp) {
    const again = followUp(text, slots, before);
    if (again !== null) return { ...again, question };
  }
  if (found !== undefined && found !== 'side') {
    // "Why did it buy QUIL last?" is about the buying, "why did QUIL lose?" about the symbol's trades.
    const isAct = found === 'why' && premise === null && slots.side !== null;
    if (isAct) return only('last');
    const isOfSymbol = slots.symbols.length > 0 && OF_SYMBOL.has(found);
    if (isOfSymbol) return only('symbol');
    return only(found);
  }
  if (slots.symbols.length > 0) return only('symbol');
  if (slots.time !== null) return only(/\d{4}|day/.test(slots.time) ? 'days' : 'hours');
  if (found !== undefined || slots.side !== null) return only('side');
  const isOfMoney = / (?:money|it|i|we|run|model|agent|strategy|dollars|account) /.test(text);
  if (premise !== null && isOfMoney) return only(words.includes('much') ? 'returns' : 'why');
  return only('unknown');
}

/** Asked of a symbol, they are answered by what is known of its trades. */
const OF_SYMBOL: ReadonlySet<Asked['intent']> = new Set([
  ...([
    'best',
    'worst',
    'winners',
    'losers',
    'why',
    'fees',
    'streaks',
    'hours',
    'returns',
  ] as const),
  ...(['statistics', 'summary', 'symbols', 'holding time', 'positions', 'days', 'last'] as const),
]);

/** Null where the question stands on its own. */
function followUp(text: string, slots: Slots, before: Asked): Asked | null {
  const bare = text.replace(
    /^ (?:(?:and|but|also|ok|so|what|how|about|same|now|then|only|for|in|the|show|me) )+/,
    ' ',
  );
  if (/^ (?:why|how come|explain|reasons?)(?: is that| so| that| not)? $/.test(bare)) {
    return before.intent === 'unknown' ? null : { ...before, intent: whyOf(before.intent) };
  }
  if (
    /^ (?:more|others?|show more|more of them|more please|all of them|next|continue|go on) $/.test(
      bare,
    )
  ) {
    return { ...before, count: Math.min((before.count ?? 5) * 2, 10) };
  }
  const turned =
    /^ (?:worst|bad|losing|losers?|loss|losses|biggest loss(?:es)?|bottom)(?: ones?| trades?)? $/.test(
      bare,
    )
      ? 'worst'
      : /^ (?:best|good|winning|winners?|wins?|top|biggest wins?)(?: ones?| trades?)? $/.test(bare)
        ? 'best'
        : null;
  if (turned !== null) return { ...before, intent: turned, count: slots.count ?? before.count };
  const hasOnly = (wanted: boolean, others: readonly boolean[]): boolean =>
    wanted && !others.some(Boolean);
  const [symbol, time] = [slots.symbols.length > 0, slots.time !== null];
  const isBareSlot = bare.trim().split(' ').length <= 3;
  if (hasOnly(symbol, [time]) && isBareSlot && CARRIES.has(before.intent)) {
    return { ...before, ...slots, intent: 'symbol' };
  }
  if (slots.side !== null && isBareSlot && !symbol) return { ...before, ...slots, intent: 'side' };
  if (slots.runs.length > 0 && before.intent === 'compare') {
    return { ...before, runs: [...new Set([...before.runs, ...slots.runs])].slice(0, 6) };
  }
  if (slots.models.length > 0 && before.intent === 'compare') {
    return { ...before, models: [...new Set([...before.models, ...slots.models])] };
  }
  return null;
}

/** "Why?" after something: what has reasons of its own is told again, the rest is why the run stands where it does. */
function whyOf(intent: Asked['intent']): Asked['intent'] {
  return ['drawdown', 'last', 'best', 'worst', 'trade', 'symbol', 'rules', 'side'].includes(intent)
    ? intent
    : 'why';
}

function premiseOf(text: string): Asked['premise'] {
  const isNegated = / not | never /.test(text);
  const lost =
    / (?:lose|loses|losing|lost|loss|losses|down|negative|red|bad|badly|poor|poorly|wrong|fail|failed|failing|drop|dropped|terrible|underperform|worse|broke) /.test(
      text,
    );
  const made =
    / (?:make|made|makes|making|profit|profits|profitable|up|positive|green|gain|gains|gained|good|well|win|wins|won|earn|earned|right|money) /.test(
      text,
    );
  if (lost) return 'lost';
  if (!made) return null;
  return isNegated ? 'lost' : 'made';
}

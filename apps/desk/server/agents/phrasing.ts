// The built-in phrasing: short messages made from what an agent really holds, did and reasoned.
// Owns which topics are said and in which words. It computes nothing about the market: every figure
// comes from the standing and the quotes it is given, and a thing that isn't there isn't said.
import { pick, type Random } from '../market/prng.ts';
import type { SymbolQuote } from '../market/quote.ts';
import type { AgentStanding } from '../market/report.ts';
import { arbitrageTopics } from './phrasing/arbitrage.ts';
import { commonTopics } from './phrasing/common.ts';
import { gridTopics } from './phrasing/grid.ts';
import { holdTopics } from './phrasing/hold.ts';
import { learnedTopics } from './phrasing/learned.ts';
import { momentumTopics } from './phrasing/momentum.ts';
import { type MessageType, type Situation, type Topic, topic } from './phrasing/topic.ts';
import { tradesOf } from './phrasing/trades.ts';
import { money } from './phrasing/words.ts';

export interface Phrase {
  readonly type: MessageType;
  readonly content: string;
}

export interface PhrasingInput {
  readonly standing: AgentStanding;
  readonly quotes: readonly SymbolQuote[];
}

export interface PhrasingOptions {
  readonly random: Random;
  /** Messages wanted; 2 unless told. Fewer come only when there are fewer true things to say. */
  readonly count?: number;
  /** The agent's latest messages: none of their wordings is used again, whatever figures and symbols stand in it. */
  readonly recent?: readonly string[];
}

/** Messages on different topics, of different types where possible; same input and random, same words. */
export function phraseMessages(input: PhrasingInput, options: PhrasingOptions): Phrase[] {
  const { random, count = 2, recent = [] } = options;
  const said = new Set(recent.map(wordingOf));
  let topics = topicsFor(input).flatMap((one) => unsaid(one, said) ?? []);
  const phrases: Phrase[] = [];
  while (phrases.length < count && topics.length > 0) {
    const types = new Set(phrases.map(({ type }) => type));
    const fresh = topics.filter(({ type }) => !types.has(type));
    const chosen = pickWeighted(random, fresh.length > 0 ? fresh : topics);
    phrases.push({ type: chosen.type, content: pick(random, chosen.texts) });
    topics = topics.filter((one) => one !== chosen);
  }
  return phrases;
}

/** Every topic that is true now. */
export function topicsFor({ standing, quotes }: PhrasingInput): Topic[] {
  const decision = standing.lastDecision;
  if (decision === null) {
    const cash = money(standing.cash);
    return [topic('analysis', 'before-open', [`The market has not ticked yet. ${cash} in cash.`])];
  }
  const { tick, time, reasoning } = decision;
  const trades = tradesOf(standing);
  const situation: Situation = { standing, quotes, tick, time, trades };
  const common = commonTopics(situation);
  switch (reasoning.kind) {
    case 'arbitrage':
      return [...arbitrageTopics(situation, reasoning), ...common];
    case 'momentum':
      return [...momentumTopics(situation, reasoning), ...common];
    case 'grid':
      return [...gridTopics(situation, reasoning), ...common];
    case 'learned':
      return [...learnedTopics(situation, reasoning), ...common];
    case 'hold':
      return [...holdTopics(situation, reasoning), ...common];
    case 'stop_loss':
      return common;
  }
}

/** The topic without the wordings that were just used; undefined when none is left. */
function unsaid(one: Topic, said: ReadonlySet<string>): Topic | undefined {
  const [first, ...rest] = one.texts.filter((text) => !said.has(wordingOf(text)));
  return first === undefined ? undefined : { ...one, texts: [first, ...rest] };
}

/** A message without what changes from tick to tick: the same sentence with another price sounds like the same. */
function wordingOf(text: string): string {
  return text.replace(/[+-]?\$?\d[\d,.:]*%?|\b[A-Z]{4}\b/g, '#');
}

function pickWeighted(random: Random, topics: readonly Topic[]): Topic {
  const total = topics.reduce((sum, { weight }) => sum + weight, 0);
  let draw = random.uniform() * total;
  for (const one of topics) {
    draw -= one.weight;
    if (draw < 0) return one;
  }
  const last = topics.at(-1);
  if (last === undefined) throw new RangeError('There is nothing to choose from.');
  return last;
}

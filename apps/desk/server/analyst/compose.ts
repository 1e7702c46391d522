// The answer to what was asked, from what the tools have found: which text goes with which question. Pure.

import { blocks, next } from './answers/markdown.ts';
import {
  comparisonAnswer,
  failedAnswer,
  HELP,
  listAnswer,
  noRunAnswer,
  rulesAnswer,
  rulesInForceAnswer,
} from './answers/other-answers.ts';
import {
  daysAnswer,
  feesAnswer,
  holdingAnswer,
  hoursAnswer,
  streaksAnswer,
  symbolsAnswer,
} from './answers/pattern-answers.ts';
import {
  drawdownAnswer,
  positionsAnswer,
  ratiosAnswer,
  riskAnswer,
} from './answers/risk-answers.ts';
import {
  returnsAnswer,
  statisticsAnswer,
  summaryAnswer,
  whyAnswer,
} from './answers/run-answers.ts';
import {
  extremesAnswer,
  lastAnswer,
  outcomeAnswer,
  sideAnswer,
  symbolAnswer,
  tradeAnswer,
} from './answers/trade-answers.ts';
import type { Findings } from './findings.ts';
import type { Asked } from './understand.ts';

/** How a tool says that there is no run to look at (trading-tools.ts). */
export const NO_RUN = 'No run is chosen';

/** What needs no tools; null for what does. */
export function answerAlone({ intent }: Asked, canLook: boolean): string | null {
  const looks = canLook
    ? blocks('This is what I can tell you about a run:', HELP)
    : 'From here I see no trading run: this request offers none of the tools with which I look at one. In Desk, open a run and ask me there, about its results, trades, risk and rules.';
  switch (intent) {
    case 'greeting':
      return canLook
        ? blocks(
            'Hello. I can tell you how this run is doing, and why.',
            next('How is it doing?', 'Why did it lose money?'),
          )
        : blocks('Hello. I am the built-in analyst of Desk.', looks);
    case 'thanks':
      return canLook
        ? blocks('You are welcome.', next('What rule would have helped?'))
        : 'You are welcome.';
    case 'identity':
      return blocks(
        'I am the **built-in analyst** of Desk. I am rule-based: no language model is behind me. I read your question by its words, look at the run with tools, and put their figures into an answer, so I compute but do not guess.',
        looks,
      );
    case 'help':
      return looks;
    case 'accept':
      return blocks(
        'I change nothing myself. Under a suggestion of mine there is a button to accept it: from then on the model’s orders are checked against the rule.',
        canLook ? next('What rule would have helped?', 'Which rules are in force?') : null,
      );
    case 'forecast':
      return blocks(
        'I do not know what prices will do, and I do not advise to buy or sell. I can tell what happened, why, and what would have come out otherwise.',
        canLook ? next('What rule would have helped?', 'How risky is it?') : looks,
      );
    case 'unknown':
      return blocks(
        'I did not understand that. I am rule-based and know questions about trading runs only.',
        looks,
      );
    default:
      return canLook ? null : blocks('I can’t answer that from here.', looks);
  }
}

/** From what was found; says what failed where nothing was. */
export function answerFrom(asked: Asked, found: Findings): string {
  if (found.errors.some((error) => error.includes(NO_RUN))) return noRunAnswer(found.list);
  const answer = told(asked, found);
  if (answer !== null && answer !== '') return isBrief(asked.question) ? shortened(answer) : answer;
  return failedAnswer(
    found.errors.length > 0 ? found.errors : ['The tools that this needs are not offered here.'],
  );
}

function isBrief(question: string): boolean {
  return /\b(brief|briefly|in short|short answer|keep it short|tl;?dr|one sentence|in a nutshell)\b/i.test(
    question,
  );
}

/** The heading, the first paragraph and the first list; the table where there is nothing else. */
function shortened(answer: string): string {
  const all = answer.split('\n\n');
  const heading = all.find((block) => block.startsWith('## '));
  const list = all.find((block) => /^(- |1\. )/.test(block));
  const words = all.find((block) => !/^(#|- |1\. |\||\*You could)/.test(block));
  const table = all.find((block) => block.startsWith('|'));
  const few = list?.split('\n').slice(0, 3).join('\n') ?? null;
  return blocks(
    heading ?? null,
    words ?? null,
    few ?? (words === undefined ? (table ?? null) : null),
  );
}

function told(asked: Asked, found: Findings): string | null {
  const { trades, metrics, rules, comparison, list } = found;
  if (asked.intent === 'compare') return comparison === null ? null : comparisonAnswer(comparison);
  if (asked.intent === 'list') return list === null ? null : listAnswer(list);
  if (asked.intent === 'rules') return rules === null ? null : rulesAnswer(rules);
  if (metrics !== null) {
    if (asked.intent === 'drawdown') return drawdownAnswer(metrics);
    if (asked.intent === 'ratios') return ratiosAnswer(metrics);
    if (asked.intent === 'risk') return riskAnswer(metrics, trades);
    if (asked.intent === 'returns') return returnsAnswer(trades, metrics);
  }
  if (trades === null) return null;
  switch (asked.intent) {
    case 'why':
      return whyAnswer({ trades, metrics, rules, premise: asked.premise });
    case 'best':
    case 'worst':
      return extremesAnswer(trades, asked.intent, asked.count ?? 5);
    case 'winners':
    case 'losers':
      return outcomeAnswer(trades, asked.intent);
    case 'symbol':
      return symbolAnswer(trades, asked.symbols, asked.premise !== 'made');
    case 'symbols':
      return symbolsAnswer(trades);
    case 'side':
      return sideAnswer(trades, asked.side ?? 'sell');
    case 'hours':
      return hoursAnswer(trades);
    case 'days':
      return daysAnswer(trades, metrics);
    case 'streaks':
      return streaksAnswer(trades);
    case 'fees':
      return feesAnswer(trades);
    case 'holding time':
      return holdingAnswer(trades);
    case 'last':
      return lastAnswer(trades, asked);
    case 'trade':
      return tradeAnswer(trades);
    case 'positions':
      return positionsAnswer(trades, metrics);
    case 'statistics':
      return statisticsAnswer(trades);
    case 'rules in force':
      return rulesInForceAnswer(trades);
    case 'summary':
      return summaryAnswer(trades, metrics);
    default:
      return null;
  }
}

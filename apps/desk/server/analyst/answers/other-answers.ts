// Answers about rules, comparisons and lists, and those that need no figures. Pure.
import { listed, plural } from '../../agents/phrasing/words.ts';
import {
  fall,
  pct,
  pctSigned,
  ratio,
  stamp,
  usd,
  usdSigned,
} from '../../trading-tools/figures-in-words.ts';
import type {
  Comparison,
  RunList,
  Suggestions,
  TradeAnalysis,
} from '../../trading-tools/results.ts';
import { blocks, bullets, next, plain, table } from './markdown.ts';
import { cited, runName } from './trade-lines.ts';

export function rulesAnswer({ run, suggestions, rejected, problem, asked }: Suggestions): string {
  const [first] = suggestions;
  const words = problem.length > 80 ? `${problem.slice(0, 79)}…` : problem;
  const [why, ...otherWhys] = [...new Set(rejected.map((one) => one.why))];
  if (first === undefined && why !== undefined && otherWhys.length === 0) {
    return blocks(
      `Based on “${plain(words)}” I can suggest **no rule** for ${runName(run)}: ${plain(why)} What a rule would have saved is reckoned on closed trades.`,
      next('What does it hold?', 'How risky is it?'),
    );
  }
  if (first === undefined) {
    return blocks(
      `Based on “${plain(words)}” I suggest **no rule**: none of those that I can reckon would have helped ${runName(run)}.`,
      bullets(rejected.map(({ kind, why }) => `\`${kind}\`: ${plain(why)}`)),
      next('How risky is it?'),
    );
  }
  const { profitBefore, profitAfter, method } = first.counterfactual;
  return blocks(
    `## Rules that would have helped ${runName(run)}`,
    refused(rejected, asked),
    `Based on “${plain(words)}”, I suggest **${plain(first.words)}**. ${first.because} On this run's own trades it would have saved ` +
      `**${usd(first.counterfactual.saved)}**: ${usdSigned(profitAfter)} in place of ${usdSigned(profitBefore)}.`,
    table(
      ['Rule', 'Kind', 'Saved (counterfactual)', 'Trades', 'Such as'],
      'llrrl',
      suggestions.map(({ words: said, rule, counterfactual }) => [
        ...[
          plain(said),
          `\`${rule.kind}\``,
          usd(counterfactual.saved),
          String(counterfactual.trades),
        ],
        counterfactual.examples.slice(0, 3).join(', '),
      ]),
    ),
    bullets(suggestions.slice(1).map(({ words: said, because }) => `*${plain(said)}*: ${because}`)),
    `**How it is reckoned:** ${method} It is hindsight, so it says what fits these trades and not what will come.`,
    rejected[0] === undefined
      ? null
      : `Tried without a gain: ${rejected.map(({ kind, why }) => `\`${kind}\` (${plain(why.replace(/\.$/, ''))})`).join(', ')}.`,
    'Accept one, and the next orders of the model are checked against it.',
    next('What were the worst trades?', 'Which rules are in force?'),
  );
}

/** A kind that was asked about and would not have helped is answered first. */
function refused(rejected: Suggestions['rejected'], asked: readonly string[]): string | null {
  const kinds = rejected.filter(({ kind }) => asked.includes(kind));
  if (kinds.length === 0) return null;
  return kinds
    .map(({ kind, why }) => `**\`${kind}\` would not have helped:** ${plain(why)}`)
    .join('\n\n');
}

export function rulesInForceAnswer({ run }: TradeAnalysis): string {
  return blocks(
    run.rules.length === 0
      ? `No rule is in force for ${plain(run.model)}: its orders are held to what holds for everybody on the exchange.`
      : blocks(
          `${plural(run.rules.length, 'rule')} ${run.rules.length === 1 ? 'is' : 'are'} in force for ${plain(run.model)}:`,
          bullets(run.rules.map(plain)),
        ),
    next('What rule would have helped?'),
  );
}

export function comparisonAnswer({ runs, missing }: Comparison): string {
  const [best, ...others] = runs;
  const worst = others.at(-1);
  const gone = missing.length === 0 ? null : `Not found: ${listed(missing.map(plain))}.`;
  if (best === undefined) return blocks('There is nothing to compare.', gone);
  if (worst === undefined) {
    return blocks(
      `There is only **${plain(best.label)}**: ${pctSigned(best.run.returnPercent)} (${usdSigned(best.run.profit)}), nothing to compare it with.`,
      gone,
      next('List all runs.', 'Compare all models.'),
    );
  }
  const calmest = runs.toSorted(
    (one, other) => one.maximumDrawdownPercent - other.maximumDrawdownPercent,
  )[0];
  const known = runs.filter(({ sharpe }) => sharpe !== null);
  const steadiest = known.toSorted((one, other) => (other.sharpe ?? 0) - (one.sharpe ?? 0))[0];
  return blocks(
    `## ${plural(runs.length, 'run')} compared`,
    table(
      [
        'Run',
        'Return',
        'Profit',
        'Sharpe',
        'Deepest fall',
        'Trades',
        'Won',
        'Profit factor',
        'Fees',
        'Invested',
      ],
      'lrrrrrrrrr',
      runs.map(({ label, run, statistics, ...one }) => [
        ...[`**${plain(label)}**`, pctSigned(run.returnPercent), usdSigned(run.profit)],
        ...[ratio(one.sharpe), fall(one.maximumDrawdownPercent), String(statistics.trades)],
        ...[pct(statistics.winRatePercent), ratio(statistics.profitFactor), usd(run.fees)],
        pct(one.averageExposurePercent, 0),
      ]),
    ),
    bullets([
      `**${plain(best.label)}** earned most: ${pctSigned(best.run.returnPercent)}${best.best === null ? ', all of it in open positions' : `, its best trade ${cited(best.best)}`}.`,
      ...(steadiest === undefined || steadiest === best
        ? []
        : [
            `**${plain(steadiest.label)}** earned most for its swings: Sharpe ${ratio(steadiest.sharpe)}.`,
          ]),
      ...(calmest === undefined || calmest === best
        ? []
        : [`**${plain(calmest.label)}** fell least: ${fall(calmest.maximumDrawdownPercent)}.`]),
      `**${plain(worst.label)}** came last with ${pctSigned(worst.run.returnPercent)}${worst.worst !== null && worst.worst.profit < 0 ? `, its worst trade ${cited(worst.worst)}` : ''}.`,
    ]),
    spanNote(runs),
    gone,
    next('List all runs.', 'How is it doing?'),
  );
}

/** Runs over different times are not to be compared by their return alone. */
function spanNote(runs: Comparison['runs']): string | null {
  const days = new Set(runs.map(({ run }) => `${run.from.slice(0, 10)} ${run.to.slice(0, 10)}`));
  if (days.size < 2) return null;
  const each = runs.map(
    ({ label, run }) => `${plain(label)} ${stamp(run.from)} to ${stamp(run.to)}`,
  );
  return `They are of different times, which returns alone do not show: ${each.join('; ')}.`;
}

export function listAnswer({ runs, models, isCut }: RunList): string {
  if (runs.length === 0) {
    return blocks('There are no runs yet. Open a model and start one, or import a CSV of trades.');
  }
  return blocks(
    `## ${plural(runs.length, 'run')} of ${plural(models.length, 'model')}`,
    table(
      ['Run', 'Strategy', 'Status', 'Return', 'Profit', 'Equity', 'Fills', 'Rules'],
      'lllrrrrr',
      runs
        .slice(0, 20)
        .map((run) => [
          `**${plain(run.model)} #${run.number}**${run.isFocus ? ' (this one)' : ''}`,
          ...[plain(run.strategy), run.status, pctSigned(run.returnPercent), usdSigned(run.profit)],
          ...[usd(run.equity), String(run.fills), String(run.rules)],
        ]),
    ),
    runs.length > 20 || isCut ? 'Older ones are not shown.' : null,
    next('Compare all models.', 'How is this run doing?'),
  );
}

/** No run in view: what there is to look at. */
export function noRunAnswer(list: RunList | null): string {
  return blocks(
    'No run is chosen in this chat, so I have no trades to look at. Open one of these, and ask me there:',
    list === null ? null : listAnswer(list),
  );
}

export const HELP: string = bullets([
  '**Results:** “Why did it lose money?”, “Summarise the run.”, “What are the returns day by day?”',
  '**Trades:** “What were the 3 worst trades?”, “Tell me about trade #123.”, “How did QUIL do?”, “Show the sells.”',
  '**Risk:** “How risky is it?”, “When was the drawdown, and why?”, “What is the Sharpe ratio?”, “What does it hold?”',
  '**Patterns:** “When does it lose?”, “Which symbols do best?”, “Longest losing streak?”, “How much did fees cost?”',
  '**Rules:** “What rule would have helped?”, “Which rules are in force?”',
  '**Runs:** “List all runs.”, “Compare runs 1 and 2.”, “Compare all models.”',
]);

export function failedAnswer(errors: readonly string[]): string {
  return blocks(
    'I could not look that up:',
    bullets(errors.map(plain)),
    'Nothing in this answer is guessed in its place.',
  );
}

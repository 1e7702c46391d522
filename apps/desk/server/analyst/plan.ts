// Which tools a question needs, with which inputs. Pure.
import type { Asked } from './understand.ts';

export interface Call {
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

const MAX_PROBLEM = 300;

export function planFor(asked: Asked): readonly Call[] {
  const { symbols, side, count, ids, runs, models, time, question } = asked;
  const all = trades('all');
  switch (asked.intent) {
    case 'greeting':
    case 'thanks':
    case 'identity':
    case 'help':
    case 'accept':
    case 'forecast':
    case 'unknown':
      return [];
    case 'why':
      return [all, metrics('all'), rules(question)];
    case 'summary':
    case 'returns':
    case 'risk':
    case 'positions':
    case 'days':
      if (asked.intent === 'days' && time !== null)
        return [trades('time', time), metrics('returns')];
      return [all, metrics('all')];
    case 'drawdown':
      return [metrics('risk')];
    case 'ratios':
      return [metrics('all')];
    case 'best':
    case 'worst':
      return (count ?? 5) > 5 ? [trades('outcome', `${asked.intent} ${count}`)] : [all];
    case 'winners':
      return [trades('outcome', 'win')];
    case 'losers':
      return [trades('outcome', 'loss')];
    case 'symbol':
      return [trades('symbol', symbols.join(', '))];
    case 'side':
      return [trades('action', side ?? 'sell')];
    case 'hours':
      return time === null ? [all] : [trades('time', time)];
    case 'last':
      return symbols.length > 0
        ? [trades('symbol', symbols.join(', '))]
        : [trades('time', `last ${count ?? 5}`)];
    case 'trade':
      return [trades('all', ids.map((id) => `#${id}`).join(', '))];
    case 'fees':
    case 'streaks':
    case 'holding time':
    case 'symbols':
    case 'statistics':
    case 'rules in force':
      return [all];
    case 'rules':
      return [rules(question)];
    case 'compare':
      return [{ name: 'compare_runs', input: { runs, ...(models.length > 0 ? { models } : {}) } }];
    case 'list':
      return [{ name: 'list_runs', input: {} }];
  }
}

function trades(filter_type: string, criteria?: string): Call {
  return {
    name: 'analyze_trades',
    input: { filter_type, ...(criteria === undefined ? {} : { criteria }) },
  };
}

function metrics(metric_type: string): Call {
  return { name: 'calculate_metrics', input: { metric_type } };
}

function rules(question: string): Call {
  return { name: 'suggest_rules', input: { problem: question.slice(0, MAX_PROBLEM).trim() } };
}

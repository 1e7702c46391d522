// What the analyst does next with a prompt: calls tools, or says its answer. Pure: the whole of it but the streaming.
//
//   question ─ needs tools that are offered ─▶ calls ─ outcomes ─▶ more calls, or the answer
//       └────── needs none, or they are not offered ──────────────────▶ the answer
import { TRADING_TOOL_NAMES } from '../trading-tools/trading-tools.ts';
import { answerAlone, answerFrom, NO_RUN } from './compose.ts';
import { findingsOf } from './findings.ts';
import type { CallOptions, FunctionTool } from './language-model.ts';
import { forcedCall, incompleteAnswer, matchTool, outcomeAnswer } from './other-tools.ts';
import { type Call, planFor } from './plan.ts';
import { readTurn, type Turn } from './turn.ts';
import { type Asked, understand } from './understand.ts';

export type Step =
  | { readonly is: 'calls'; readonly calls: readonly Call[] }
  | { readonly is: 'answer'; readonly text: string };

const OWN: ReadonlySet<string> = new Set(TRADING_TOOL_NAMES);

export function nextStep({
  prompt,
  tools = [],
  toolChoice,
}: Pick<CallOptions, 'prompt' | 'tools' | 'toolChoice'>): Step {
  const turn = readTurn(prompt);
  const offered = tools.filter((tool) => tool.type === 'function');
  const asked = understand(turn);
  const others = offered.filter(({ name }) => !OWN.has(name));
  const own = new Set(offered.filter(({ name }) => OWN.has(name)).map(({ name }) => name));
  const answer = (text: string): Step => ({ is: 'answer', text });

  if (turn.outcomes.length === 0 && toolChoice?.type !== 'none') {
    const forced = forcedStep(asked, offered, toolChoice);
    if (forced !== null) return forced;
    const match = matchTool(turn.question, others);
    if (match.is === 'call') return { is: 'calls', calls: [match.call] };
    if (match.is === 'incomplete') return answer(incompleteAnswer(match));
  }
  const foreign = turn.outcomes.filter(({ name }) => !OWN.has(name));
  if (foreign.length > 0) return answer(foreign.map(outcomeAnswer).join('\n\n'));

  const alone = turn.outcomes.length > 0 ? null : answerAlone(asked, own.size > 0);
  if (alone !== null) return answer(alone);
  const calls = toolChoice?.type === 'none' ? [] : callsLeft(asked, turn, own);
  if (calls.length > 0) return { is: 'calls', calls };
  return answer(answerFrom(asked, findingsOf(turn.outcomes)));
}

/** A client may say that a tool must be called, or which. */
function forcedStep(
  asked: Asked,
  offered: readonly FunctionTool[],
  choice: CallOptions['toolChoice'],
): Step | null {
  if (choice?.type !== 'tool' && choice?.type !== 'required') return null;
  const wanted = choice.type === 'tool' ? choice.toolName : null;
  const planned = planFor(asked).filter(({ name }) => name === wanted || wanted === null);
  const known = planned.filter(({ name }) => offered.some((tool) => tool.name === name));
  if (known.length > 0) return { is: 'calls', calls: known };
  if (wanted === null) {
    const match = matchTool(asked.question, offered);
    if (match.is === 'call') return { is: 'calls', calls: [match.call] };
  }
  const tool = wanted === null ? offered[0] : offered.find(({ name }) => name === wanted);
  return tool === undefined ? null : { is: 'calls', calls: [forcedCall(asked.question, tool)] };
}

/** Those of the plan that are offered and not called yet; where no run is chosen, the list of runs instead. */
function callsLeft(asked: Asked, { outcomes }: Turn, own: ReadonlySet<string>): readonly Call[] {
  const isCalled = (name: string): boolean => outcomes.some((one) => one.name === name);
  if (outcomes.length > 0) {
    const hasNoRun = outcomes.some(
      ({ outcome }) => outcome.is === 'failed' && outcome.error.includes(NO_RUN),
    );
    const canList = hasNoRun && own.has('list_runs') && !isCalled('list_runs');
    return canList ? [{ name: 'list_runs', input: {} }] : [];
  }
  return planFor(asked).filter(({ name }) => own.has(name));
}

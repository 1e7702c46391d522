// What a prompt asks of the analyst now: the question, what was asked before it, and what tools have answered since. Pure.
import type { Prompt, ToolResultPart } from './language-model.ts';

export interface ToolOutcome {
  readonly name: string;
  readonly input: unknown;
  readonly outcome:
    | { readonly is: 'done'; readonly output: unknown }
    | { readonly is: 'failed'; readonly error: string };
}

export interface Turn {
  /** Of the last message of the user; empty where there is none. */
  readonly question: string;
  /** Earlier ones, oldest first. */
  readonly asked: readonly string[];
  /** What the analyst has said before, oldest first. */
  readonly said: readonly string[];
  /** Instructions that the application gives. */
  readonly instructions: string;
  /** Tools called for this question, in order, with what came of them. */
  readonly outcomes: readonly ToolOutcome[];
}

/** Of a longer question only the beginning is read. */
const MAX_QUESTION = 4_000;

export function readTurn(prompt: Prompt): Turn {
  const asked: string[] = [];
  const said: string[] = [];
  const instructions: string[] = [];
  let outcomes: ToolOutcome[] = [];
  const inputs = new Map<string, unknown>();
  for (const message of prompt) {
    switch (message.role) {
      case 'system':
        instructions.push(message.content);
        break;
      case 'user':
        asked.push(textOf(message.content));
        outcomes = [];
        break;
      case 'assistant':
        said.push(textOf(message.content));
        for (const part of message.content) {
          if (part.type === 'tool-call') inputs.set(part.toolCallId, part.input);
          if (part.type === 'tool-result') outcomes.push(outcomeOf(part, inputs));
        }
        break;
      case 'tool':
        for (const part of message.content) {
          if (part.type === 'tool-result') outcomes.push(outcomeOf(part, inputs));
        }
    }
  }
  const question = (asked.pop() ?? '').slice(0, MAX_QUESTION);
  return { question, asked, said, instructions: instructions.join('\n'), outcomes };
}

function textOf(content: readonly { readonly type: string }[]): string {
  return content
    .flatMap((part) =>
      part.type === 'text' && 'text' in part && typeof part.text === 'string' ? [part.text] : [],
    )
    .join('\n')
    .trim();
}

function outcomeOf(part: ToolResultPart, inputs: ReadonlyMap<string, unknown>): ToolOutcome {
  const { toolName: name, toolCallId, output } = part;
  const input = inputs.get(toolCallId);
  switch (output.type) {
    case 'json':
      return { name, input, outcome: { is: 'done', output: output.value } };
    case 'text':
      return { name, input, outcome: { is: 'done', output: parsed(output.value) } };
    case 'content':
      return { name, input, outcome: { is: 'done', output: parsed(textOf(output.value)) } };
    case 'error-text':
      return { name, input, outcome: { is: 'failed', error: output.value } };
    case 'error-json':
      return { name, input, outcome: { is: 'failed', error: JSON.stringify(output.value) } };
    case 'execution-denied':
      return { name, input, outcome: { is: 'failed', error: output.reason ?? 'It was refused.' } };
  }
}

/** A result that came as text may be JSON (clients of the OpenAI API send it so). */
function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : text;
  } catch {
    // Not JSON: then it is a text.
    return text;
  }
}

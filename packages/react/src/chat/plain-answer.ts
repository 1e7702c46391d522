// What the plain events of a run (spec E1) make of an answer: a pure fold. `reset`, and an answer that is told again
// from its `accepted` on, take the place of what was told.

import { isJsonObject, parseJson } from '@millrace/protocol/wire';

export interface PlainAnswer {
  readonly content: string;
  /** Names, each once, in the order of their first calls. */
  readonly toolsUsed: readonly string[];
  /** The run that makes it; null before it is told. */
  readonly runId: string | null;
}

export const EMPTY_PLAIN: PlainAnswer = { content: '', toolsUsed: [], runId: null };

export type PlainTold =
  | { readonly type: 'accepted'; readonly runId: string | null }
  | { readonly type: 'token'; readonly content: string }
  | { readonly type: 'tool'; readonly tool: string }
  /** What was told is void: this stands in the place of the text, and calls that stand are told again. */
  | { readonly type: 'reset'; readonly content: string }
  /** `content`: the whole text, where the server says it. */
  | { readonly type: 'done'; readonly content: string | null }
  | { readonly type: 'stopped' }
  | { readonly type: 'error'; readonly message: string }
  /** Of a newer server. */
  | { readonly type: 'other' };

/** @throws MillraceError `protocol/malformed` for what is no JSON */
export function readPlain(data: string): PlainTold {
  const block = parseJson(data);
  const { type, ...fields } = isJsonObject(block) ? block : {};
  const text = (name: string): string | null => {
    const value = fields[name];
    return typeof value === 'string' ? value : null;
  };
  switch (type) {
    case 'accepted':
      return { type, runId: text('runId') };
    case 'token':
    case 'reset':
      return { type, content: text('content') ?? '' };
    case 'tool': {
      const tool = text('tool');
      return tool === null ? { type: 'other' } : { type, tool };
    }
    case 'done':
      return { type, content: text('content') };
    case 'stopped':
      return { type };
    case 'error':
      return { type, message: text('message') ?? 'The answer failed. Try again.' };
    default:
      return { type: 'other' };
  }
}

export function foldPlain(answer: PlainAnswer, told: PlainTold): PlainAnswer {
  switch (told.type) {
    case 'accepted':
      return { ...EMPTY_PLAIN, runId: told.runId };
    case 'token':
      return { ...answer, content: answer.content + told.content };
    case 'reset':
      return { ...answer, content: told.content, toolsUsed: [] };
    case 'tool':
      return answer.toolsUsed.includes(told.tool)
        ? answer
        : { ...answer, toolsUsed: [...answer.toolsUsed, told.tool] };
    case 'done':
      return told.content === null ? answer : { ...answer, content: told.content };
    default:
      return answer;
  }
}

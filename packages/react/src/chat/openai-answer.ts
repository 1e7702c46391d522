// What OpenAI's chunks make of an answer: a pure fold. Knows what a server may leave out and what it adds; refuses to own
// requests. An answer that is told again from its beginning takes the place of what was told, and never stands behind it.

import { isJsonObject, type JsonObject, parseJson } from '@millrace/protocol/wire';

export interface OpenAiAnswer {
  readonly content: string;
  readonly reasoning: string;
  /** What really answers; null before it is told. */
  readonly model: string | null;
  readonly finishReason: string | null;
  /** `chatcmpl-…`; null before it is told. */
  readonly id: string | null;
}

export const EMPTY_ANSWER: OpenAiAnswer = {
  content: '',
  reasoning: '',
  model: null,
  finishReason: null,
  id: null,
};

export type OpenAiTold =
  | { readonly type: 'done' }
  | { readonly type: 'error'; readonly message: string }
  | {
      readonly type: 'chunk';
      /** As the first chunk of an answer does. */
      readonly hasRole: boolean;
      readonly content: string;
      readonly reasoning: string;
      readonly model: string | null;
      readonly finishReason: string | null;
      readonly id: string | null;
    };

/** @throws MillraceError `protocol/malformed` for what is no JSON */
export function readOpenAi(data: string): OpenAiTold {
  if (data === '[DONE]') return { type: 'done' };
  const chunk = objectOr(parseJson(data));
  const { error } = chunk;
  if (error !== undefined && error !== null) {
    const message = textOr(isJsonObject(error) ? error['message'] : error);
    return { type: 'error', message: message ?? 'The answer failed. Try again.' };
  }
  const { choices } = chunk;
  const choice = objectOr(Array.isArray(choices) ? choices[0] : undefined);
  const delta = objectOr(choice['delta']);
  return {
    type: 'chunk',
    hasRole: typeof delta['role'] === 'string',
    content: textOr(delta['content']) ?? '',
    reasoning: textOr(delta['reasoning_content']) ?? textOr(delta['reasoning']) ?? '',
    model: textOr(chunk['model']),
    finishReason: textOr(choice['finish_reason']),
    id: textOr(chunk['id']),
  };
}

/** Adds to two strings that grow: the engine keeps them as ropes until somebody reads them, once a frame. */
export function foldOpenAi(
  answer: OpenAiAnswer,
  chunk: Extract<OpenAiTold, { readonly type: 'chunk' }>,
): OpenAiAnswer {
  return {
    content: answer.content + chunk.content,
    reasoning: answer.reasoning + chunk.reasoning,
    model: chunk.model ?? answer.model,
    finishReason: chunk.finishReason ?? answer.finishReason,
    id: chunk.id ?? answer.id,
  };
}

/** While an answer is told again, what was shown stays until as much has come, or something else. */
export function notShorter(shown: string, told: string): string {
  return told.length < shown.length && shown.startsWith(told) ? shown : told;
}

function objectOr(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

function textOr(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

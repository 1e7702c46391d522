// What the analyst says it has read and written. It has no tokenizer: a token is a piece of a word of up to five letters or
// digits, or one sign, which for English comes near to what tokenizers of language models count. Pure.
import type { Prompt, Usage } from './language-model.ts';

export function countTokens(text: string): number {
  return text.match(/[\p{L}\p{N}]{1,5}|[^\s\p{L}\p{N}]/gu)?.length ?? 0;
}

/** Texts, tool calls and their results; what is around them counts nothing. */
export function countPrompt(prompt: Prompt): number {
  return prompt.reduce((sum, { content }) => {
    if (typeof content === 'string') return sum + countTokens(content);
    const parts: readonly object[] = content;
    return sum + parts.reduce((all: number, part) => all + countTokens(wordsOf(part)), 0);
  }, 0);
}

export function usageOf(read: number, written: number): Usage {
  return {
    inputTokens: { total: read, noCache: read, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: written, text: written, reasoning: 0 },
  };
}

function wordsOf(part: object): string {
  if ('text' in part && typeof part.text === 'string') return part.text;
  if ('input' in part) return JSON.stringify(part.input) ?? '';
  return 'output' in part ? JSON.stringify(part.output) : '';
}

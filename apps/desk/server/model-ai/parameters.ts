// What may be set of a model, as providers of the chat-completions format name it: sent upstream under these names.

import * as z from 'zod';
import type { AiParameters } from '../../shared/chat-api.ts';

export const DEFAULT_PARAMETERS: AiParameters = {
  temperature: 0.7,
  top_p: 0.9,
  max_completion_tokens: 32_000,
};

const tokens = z.int().min(1).max(1_000_000);
const penalty = z.number().min(-2).max(2);

/** Nothing else: a field such as `model` or `messages` must not be replaced by it. */
export const parametersSchema: z.ZodType<AiParameters> = z
  .strictObject({
    temperature: z.number().min(0).max(2),
    top_p: z.number().min(0).max(1),
    max_completion_tokens: tokens,
    max_tokens: tokens,
    frequency_penalty: penalty,
    presence_penalty: penalty,
    repetition_penalty: z.number().min(0).max(2),
    top_k: z.int().min(0).max(1_000),
    min_p: z.number().min(0).max(1),
    seed: z.int(),
    stop: z.array(z.string().min(1).max(100)).max(4),
    reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh']),
    verbosity: z.enum(['low', 'medium', 'high']),
  })
  .partial()
  .transform((given) => Object.fromEntries(Object.entries(given).filter(isGiven)));

function isGiven<Value>(entry: [string, Value]): entry is [string, NonNullable<Value>] {
  return entry[1] !== undefined && entry[1] !== null;
}

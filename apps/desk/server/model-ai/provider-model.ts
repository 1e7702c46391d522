// A model of the AI SDK behind any endpoint of the chat-completions format, and what its failures are called.

import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { MillraceError } from '@millrace/protocol';
import type { Json } from '@millrace/protocol/runs';
import { APICallError, type LanguageModel, RetryError } from 'ai';
import type { AiParameters } from '../../shared/chat-api.ts';

export interface ProviderModelOptions {
  readonly provider: string;
  readonly baseUrl: string;
  /** Empty: none is sent. */
  readonly key: string;
  readonly aiModel: string;
  /** Go into the body of each request as they are. */
  readonly parameters: Readonly<Record<string, Json>> | AiParameters;
  readonly fetch: typeof fetch;
}

export function providerModel(options: ProviderModelOptions): LanguageModel {
  const { provider, baseUrl: baseURL, key, aiModel, parameters, fetch } = options;
  return createOpenAICompatible({
    ...{ name: provider.replaceAll(/[^A-Za-z0-9]/g, '') || 'provider', baseURL, fetch },
    ...(key === '' ? {} : { apiKey: key }),
    includeUsage: true,
    // Under the names that were set: the SDK's own would send `max_completion_tokens` as `max_tokens`.
    transformRequestBody: (body) => ({ ...body, ...parameters }),
  })(aiModel);
}

/** In words for whoever asked; nothing of what the provider wrote, which may be about somebody else's key. */
export function describeAiError(error: unknown): string {
  if (RetryError.isInstance(error)) return describeAiError(error.lastError);
  if (error instanceof MillraceError) return error.message;
  if (!APICallError.isInstance(error)) return 'Something went wrong. Try again.';
  if (error.cause instanceof MillraceError) return error.cause.message;
  const { statusCode } = error;
  if (statusCode === undefined) return 'The AI provider could not be reached. Check its base URL.';
  if (statusCode === 401 || statusCode === 403) {
    return `The AI provider refused the key (${statusCode}). Check the model's AI settings.`;
  }
  if (statusCode === 402) return 'The AI provider wants to be paid first (402).';
  if (statusCode === 404) {
    return "The AI provider does not know this model or address (404). Check the model's AI settings.";
  }
  if (statusCode === 429)
    return 'The AI provider has had too many requests (429). Try again later.';
  if (statusCode >= 500) return `The AI provider has trouble (${statusCode}). Try again later.`;
  return `The AI provider refused the request (${statusCode}). Check the model's AI settings.`;
}

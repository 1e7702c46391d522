// A chat-completions request as programs send it, and the same as messages and tools of the AI SDK. What Desk does not
// know it passes over, as providers do. Pure.

import type { Json } from '@millrace/protocol/runs';
import { jsonSchema, type ModelMessage, type ToolSet, tool } from 'ai';
import * as z from 'zod';

const words = z.union([
  z.string(),
  z.array(
    z.looseObject({
      type: z.string(),
      text: z.string().optional(),
      image_url: z.looseObject({ url: z.string() }).optional(),
    }),
  ),
]);

const toolCall = z.looseObject({
  id: z.string().min(1).max(200),
  function: z.looseObject({ name: z.string().min(1).max(200), arguments: z.string() }),
});

const message = z.discriminatedUnion('role', [
  z.looseObject({ role: z.enum(['system', 'developer']), content: words }),
  z.looseObject({ role: z.literal('user'), content: words }),
  z.looseObject({
    role: z.literal('assistant'),
    content: words.nullish(),
    tool_calls: z.array(toolCall).nullish(),
  }),
  z.looseObject({ role: z.literal('tool'), tool_call_id: z.string(), content: words }),
]);

export const inferenceRequest = z.looseObject({
  model: z.string().min(1).max(200).default('built-in-analyst'),
  messages: z.array(message).min(1).max(2_000),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  tools: z
    .array(
      z.looseObject({
        type: z.literal('function'),
        function: z.looseObject({
          name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
          description: z.string().nullish(),
          parameters: z.record(z.string(), z.unknown()).nullish(),
        }),
      }),
    )
    .max(128)
    .nullish(),
  tool_choice: z
    .union([
      z.enum(['none', 'auto', 'required']),
      z.looseObject({ function: z.looseObject({ name: z.string() }) }),
    ])
    .nullish(),
  n: z.literal(1).nullish(),
});

export type InferenceRequest = z.output<typeof inferenceRequest>;

/** Sent on to a provider as they are. */
const PASSED_ON = [
  ...['temperature', 'top_p', 'max_tokens', 'max_completion_tokens', 'stop', 'seed'],
  ...['frequency_penalty', 'presence_penalty', 'response_format', 'reasoning_effort', 'verbosity'],
  ...['logit_bias', 'parallel_tool_calls', 'top_k', 'min_p', 'repetition_penalty'],
];

export function parametersOf(request: InferenceRequest): Readonly<Record<string, Json>> {
  const given = Object.entries(request).filter(
    ([name, value]) => PASSED_ON.includes(name) && value !== undefined && value !== null,
  );
  return Object.fromEntries(given) as Record<string, Json>;
}

/** What the system says, apart: the SDK takes it so. */
export function instructionsOf({ messages }: InferenceRequest): string {
  return messages
    .flatMap((one) =>
      one.role === 'system' || one.role === 'developer' ? [textOf(one.content)] : [],
    )
    .join('\n\n');
}

export function messagesOf({ messages }: InferenceRequest): readonly ModelMessage[] {
  const names = new Map<string, string>();
  return messages.flatMap((one): ModelMessage[] => {
    switch (one.role) {
      case 'system':
      case 'developer':
        return [];
      case 'user':
        return [{ role: 'user', content: userContent(one.content) }];
      case 'assistant': {
        const text = textOf(one.content ?? '');
        const calls = one.tool_calls ?? [];
        for (const call of calls) names.set(call.id, call.function.name);
        const parts = calls.map((call) => ({
          type: 'tool-call' as const,
          toolCallId: call.id,
          toolName: call.function.name,
          input: parseJson(call.function.arguments),
        }));
        if (parts.length === 0) return [{ role: 'assistant', content: text }];
        const said = text === '' ? [] : [{ type: 'text' as const, text }];
        return [{ role: 'assistant', content: [...said, ...parts] }];
      }
      case 'tool': {
        const output = { type: 'text' as const, value: textOf(one.content) };
        const toolName = names.get(one.tool_call_id) ?? 'unknown';
        const { tool_call_id: toolCallId } = one;
        return [{ role: 'tool', content: [{ type: 'tool-result', toolCallId, toolName, output }] }];
      }
    }
  });
}

/** For the program to call: none has an `execute`. */
export function toolsOf({ tools }: InferenceRequest): ToolSet {
  return Object.fromEntries(
    (tools ?? []).map(({ function: { name, description, parameters } }) => [
      name,
      tool({
        ...(description ? { description } : {}),
        inputSchema: jsonSchema(parameters ?? { type: 'object', properties: {} }),
      }),
    ]),
  );
}

export function toolChoiceOf({ tool_choice: choice }: InferenceRequest): Record<string, unknown> {
  if (choice === undefined || choice === null) return {};
  if (typeof choice === 'string') return { toolChoice: choice };
  return { toolChoice: { type: 'tool', toolName: choice.function.name } };
}

type Words = z.output<typeof words>;

function textOf(content: Words): string {
  if (typeof content === 'string') return content;
  return content.map(({ text }) => text ?? '').join('');
}

type UserContent = Extract<ModelMessage, { role: 'user' }>['content'];
type UserPart = Exclude<UserContent, string>[number];

function userContent(content: Words): UserContent {
  if (typeof content === 'string') return content;
  return content.flatMap(({ text, image_url: image }): UserPart[] => {
    if (text !== undefined) return [{ type: 'text', text }];
    if (image === undefined) return [];
    // Only what is in the request itself: this server fetches nothing that somebody names.
    const [, mediaType, data] = /^data:(image\/[\w.+-]+);base64,([\w+/=]+)$/.exec(image.url) ?? [];
    if (mediaType === undefined || data === undefined) return [];
    return [{ type: 'file', mediaType, data }];
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A model wrote it: what is no JSON goes back to it as it was.
    return text;
  }
}

// The body of `useChat`'s requests, as the AI SDK posts it and as many pages shorten it. Pure.

import { MillraceError } from '@millrace/protocol';
import * as z from 'zod';
import type { UiAsked } from '../run-chat/ui-asking.ts';

/** Longer ones are no question; an event must hold it in any script. */
export const questionText: z.ZodType<string> = z.string().trim().min(1).max(10_000);

const uiMessage = z.looseObject({
  id: z.string().min(1).max(100),
  role: z.string(),
  parts: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })),
});

export const uiBody = z.looseObject({
  id: z.string().min(1).max(100),
  messages: z.array(uiMessage).max(5_000).optional(),
  /** What many pages send in place of all messages. */
  message: uiMessage.optional(),
  trigger: z.enum(['submit-message', 'regenerate-message']).optional(),
  messageId: z.string().min(1).max(100).nullish(),
  modelId: z.string().min(1).max(100).nullish(),
  runId: z.string().min(1).max(100).nullish(),
});

export type UiBody = z.output<typeof uiBody>;

/** @throws MillraceError `request/invalid` where there is no question */
export function askedBy(body: UiBody): UiAsked {
  const { id: chatId, modelId, runId } = body;
  const messageId = body.messageId ?? undefined;
  if (body.trigger === 'regenerate-message') {
    return { chatId, modelId, runId, does: { is: 'regenerate', messageId } };
  }
  const last = body.message ?? body.messages?.at(-1);
  if (last?.role !== 'user') {
    throw new MillraceError('request/invalid', 'The last message must be a question of the user.');
  }
  const text = textOfQuestion(
    last.parts.map((part) => (part.type === 'text' ? (part.text ?? '') : '')).join(''),
  );
  // The SDK names a message where one is to be replaced; it keeps its id.
  const does = { is: 'ask', messageId: last.id, text, replaces: messageId === last.id } as const;
  return { chatId, modelId, runId, does };
}

/** @throws MillraceError `request/invalid` */
export function textOfQuestion(text: string): string {
  const parsed = questionText.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new MillraceError('request/invalid', 'A question has 1 to 10000 characters.');
}

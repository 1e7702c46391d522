// What is asked of an AI run of Desk, as it stands in the run's row. A chat's question is in its session's messages; what
// a program sends is in a row of its own (inference/), since it may be long and is nobody else's to see.

import type { Json } from '@millrace/protocol/runs';
import * as z from 'zod';

const chat = z.object({
  kind: z.literal('chat'),
  text: z.string(),
  /** Of the question. */
  messageId: z.string(),
  modelId: z.string().nullable(),
  /** The trading run that it is about. */
  runId: z.string().nullable(),
  /** The question that this one replaces, with all that came after it. */
  replaces: z.string().nullable(),
});

const inference = z.object({
  kind: z.literal('inference'),
  requestId: z.string(),
  bodyHash: z.string(),
  /** The caller's own word for the model. */
  askedFor: z.string(),
});

const question = z.discriminatedUnion('kind', [chat, inference]);

export type ChatQuestion = z.output<typeof chat>;
export type InferenceQuestion = z.output<typeof inference>;
export type Question = z.output<typeof question>;

/** @throws for what no Desk of this version has written */
export function parseQuestion(json: Json): Question {
  return question.parse(json);
}

// How a program's request is answered: the model that its name stands for (OPENAI_MODEL_MAP), with the tools it brought.

import type { Answering, RunRow } from '@millrace/ai';
import type { SqlDatabase } from '@millrace/server/postgres';
import { ANALYST_NAME as BUILT_IN } from '../analyst/analyst-model.ts';
import type { Log } from '../log.ts';
import type { ModelAi } from '../model-ai/model-ai.ts';
import type { Analyst } from '../run-chat/analyst.ts';
import type { InferenceQuestion } from '../run-chat/question.ts';
import { readBodyOf } from './inference.ts';
import {
  inferenceRequest,
  instructionsOf,
  messagesOf,
  parametersOf,
  toolChoiceOf,
  toolsOf,
} from './request.ts';

export interface AnswerInferenceOptions {
  readonly database: SqlDatabase;
  readonly ai: Pick<ModelAi, 'ofServer'>;
  readonly analyst: Analyst;
  readonly modelMap: ReadonlyMap<string, string>;
  readonly log: Log;
}

export async function answerInference(
  { id: aiRunId, userId }: RunRow,
  { requestId, askedFor }: InferenceQuestion,
  options: AnswerInferenceOptions,
): Promise<Answering> {
  const { database, ai, analyst, log, modelMap } = options;
  const request = inferenceRequest.parse(await readBodyOf(database, userId, requestId));
  const name = standsFor(askedFor, modelMap);
  const chosen = name === BUILT_IN ? null : ai.ofServer(name, parametersOf(request));
  const answersAs = chosen?.answersAs ?? BUILT_IN;
  log.info({ tag: 'chat', aiRunId, userId, askedFor, answersAs }, 'answer begun');
  const instructions = instructionsOf(request);
  const own = chosen === null ? analyst.tools({ userId, modelId: null, runId: null }) : {};
  return {
    model: chosen?.model ?? analyst.model,
    messages: messagesOf(request),
    ...(instructions === '' ? {} : { instructions }),
    // A tool of the program's has its name to itself.
    tools: { ...own, ...toolsOf(request) },
    idempotentTools: Object.keys(own),
    settings: toolChoiceOf(request),
  };
}

export function standsFor(askedFor: string, modelMap: ReadonlyMap<string, string>): string {
  return modelMap.get(askedFor) ?? modelMap.get('*') ?? BUILT_IN;
}

/** `gpt-4o=NAME` pairs. */
export function parseModelMap(pairs: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    pairs.map((pair) => {
      const [from = '', to = ''] = pair.split('=');
      return [from.trim(), to.trim()];
    }),
  );
}

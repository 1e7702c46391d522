// The events of a run's channel. A part is named by its place in the message, 0, 1, 2 …: whatever ids a model gives its
// parts, they repeat from step to step.
//
//   run-accepted ─ run-start ─( step-start ─ parts ─ step-end )…─ run-end      the channel ends behind it
//                                  └ run-resumed ─ step-reset, or on in the same step: whoever made it has died
//   run-stopping, run-usage: at any time before the end
//   parts: text-start ─ text-delta … ─ text-end, reasoning likewise
//          tool-start ─ tool-delta … ─ tool-call ─ tool-output … ─ tool-result; tool-error at any place before it
//          source, file, data: each in one

import {
  boolean,
  json,
  nullable,
  oneOf,
  shape,
  text,
  textOrEmpty,
  whole,
} from '../channels/shape.ts';
import type { StandardSchema } from '../standard-schema.ts';
import type { FinalStatus, FinishReason, Json, ProviderNote, RunUsage } from './run-state.ts';

interface AtPart {
  readonly part: number;
}

interface Delta extends AtPart {
  readonly text: string;
}

interface PartEnd extends AtPart {
  readonly provider: ProviderNote;
}

interface AtTool extends AtPart {
  readonly callId: string;
  readonly name: string;
  readonly isRemote: boolean;
}

interface Output extends AtPart {
  readonly output: Json;
}

interface OfMessage {
  readonly conversationId: string;
  readonly messageId: string;
}

export interface RunEventData {
  readonly 'run-accepted': OfMessage;
  /** Has what `run-accepted` said: that takes the way of a transaction, and may come after it. */
  readonly 'run-start': OfMessage & { readonly model: string };
  /** `attempt` is 2 for the first that takes it over. */
  readonly 'run-resumed': OfMessage & { readonly attempt: number; readonly model: string };
  /** What a provider was asked for and no `step-end` counts: a try or a step that was lost. */
  readonly 'run-usage': RunUsage;
  /** `by`: the user's id. */
  readonly 'run-stopping': { readonly by: string };
  readonly 'run-end': RunUsage & {
    readonly status: FinalStatus;
    readonly finishReason: FinishReason | null;
    readonly error: string | null;
  };
  readonly 'step-start': AtPart;
  readonly 'step-end': AtPart & RunUsage & { readonly finishReason: FinishReason };
  /** What the step at `part` wrote is void. */
  readonly 'step-reset': AtPart;
  readonly 'text-start': AtPart;
  readonly 'text-delta': Delta;
  readonly 'text-end': PartEnd;
  readonly 'reasoning-start': AtPart;
  readonly 'reasoning-delta': Delta;
  readonly 'reasoning-end': PartEnd;
  readonly 'tool-start': AtTool;
  readonly 'tool-delta': Delta;
  readonly 'tool-call': AtTool & PartEnd & { readonly input: Json };
  /** Preliminary. */
  readonly 'tool-output': Output;
  readonly 'tool-result': Output;
  readonly 'tool-error': AtTool & { readonly error: string };
  readonly source: AtPart & {
    readonly id: string;
    readonly url: string | null;
    readonly mediaType: string | null;
    readonly title: string | null;
  };
  readonly file: AtPart & { readonly url: string; readonly mediaType: string };
  readonly data: AtPart & { readonly name: string; readonly id: string; readonly value: Json };
}

export type RunEventSchemas = {
  readonly [Name in keyof RunEventData]: StandardSchema<RunEventData[Name]>;
};

const id = text(200);
const ofMessage = { conversationId: id, messageId: id };
const part = whole();
/** An event as a whole is bounded by `maxEventBytes`. */
const long = textOrEmpty(Number.POSITIVE_INFINITY);
const usage = { inputTokens: whole(), outputTokens: whole(), isEstimated: boolean() };
const finishReason = oneOf(['stop', 'length', 'content-filter', 'tool-calls', 'error', 'other']);
const atPart = shape({ part });
const delta = shape({ part, text: long });
const provider = json<Json>();
const partEnd = shape({ part, provider });
const atTool = { part, callId: id, name: id, isRemote: boolean() };
const output = shape({ part, output: json<Json>() });

export const runEvents: RunEventSchemas = {
  'run-accepted': shape(ofMessage),
  'run-start': shape({ ...ofMessage, model: id }),
  'run-resumed': shape({ ...ofMessage, attempt: whole(), model: id }),
  'run-usage': shape(usage),
  'run-stopping': shape({ by: id }),
  'run-end': shape({
    status: oneOf(['completed', 'stopped', 'failed', 'interrupted']),
    finishReason: nullable(finishReason),
    error: nullable(long),
    ...usage,
  }),
  'step-start': atPart,
  'step-end': shape({ part, finishReason, ...usage }),
  'step-reset': atPart,
  'text-start': atPart,
  'text-delta': delta,
  'text-end': partEnd,
  'reasoning-start': atPart,
  'reasoning-delta': delta,
  'reasoning-end': partEnd,
  'tool-start': shape(atTool),
  'tool-delta': delta,
  'tool-call': shape({ ...atTool, provider, input: json<Json>() }),
  'tool-output': output,
  'tool-result': output,
  'tool-error': shape({ ...atTool, error: long }),
  source: shape({
    part,
    id,
    url: nullable(text(4_000)),
    mediaType: nullable(text(200)),
    title: nullable(textOrEmpty(1_000)),
  }),
  file: shape({ part, url: long, mediaType: text(200) }),
  data: shape({ part, name: id, id: textOrEmpty(200), value: json<Json>() }),
};

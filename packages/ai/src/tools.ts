// Tools as a run calls them: each call is written down before it is made, and its outcome before anybody uses it.
// Refuses to own: what tools do, and in which order a model calls them. Rules: RUN-9.

import type { Json, ToolPart } from '@millrace/protocol/runs';
import type { SqlDatabase } from '@millrace/server/postgres';
import type { ToolSet } from 'ai';
import { beginCall, type CallOutcome, endCall } from './store/tool-calls.ts';

export interface CallContext {
  readonly runId: string;
  readonly userId: string;
}

export interface ToolsOptions {
  readonly database: SqlDatabase;
  readonly context: CallContext;
  /** Resolves once the call is in the log: made before, it would be one that whoever takes over has never heard of. */
  announced(callId: string): Promise<void>;
  /** Whether a call whose outcome nobody knows may be made again, with the same key. */
  isIdempotent(name: string): boolean;
  describeError(error: unknown): string;
}

/** What a call ends with whose maker died, unless its tool may be called again. */
export const UNKNOWN_OUTCOME =
  'Whoever made this call died, and nobody knows what came of it. It was not made again.';

type Execute = NonNullable<ToolSet[string]['execute']>;
type Execution = Parameters<Execute>[1];

/** The same tools, for one run. */
export function writtenTools(tools: ToolSet, options: ToolsOptions): ToolSet {
  return Object.fromEntries(
    Object.entries(tools).map(([name, tool]) => {
      const { execute } = tool;
      if (execute === undefined) return [name, tool];
      return [name, { ...tool, execute: writtenExecute(name, execute, options) }];
    }),
  );
}

function writtenExecute(name: string, execute: Execute, options: ToolsOptions): Execute {
  const { database, context, announced, isIdempotent, describeError } = options;
  const { runId, userId } = context;

  /** The stored outcome, or the key under which it is to be made now. */
  async function begin(input: unknown, callId: string): Promise<Begun> {
    await announced(callId);
    const call = { runId, callId, userId, name, input: jsonOf(input) };
    const { outcome, tries, key } = await beginCall(database, call);
    if (outcome?.is === 'done') return { is: 'known', output: outcome.output };
    if (outcome?.is === 'failed') throw new ToolFailure(outcome.error);
    if (tries === 1 || isIdempotent(name)) return { is: 'begun', key };
    await endCall(database, call, { is: 'failed', error: UNKNOWN_OUTCOME });
    throw new ToolFailure(UNKNOWN_OUTCOME);
  }

  async function fail(callId: string, error: unknown, signal: AbortSignal | undefined) {
    // One that was told to stop is not over: whether it did anything is not known.
    if (signal?.aborted === true) return error;
    const words = describeError(error);
    await endCall(database, { runId, callId }, { is: 'failed', error: words });
    return new ToolFailure(words);
  }

  // The SDK takes what a generator yields for preliminary, so a plain function stays one.
  if (isGenerator(execute)) {
    return async function* (input: unknown, execution: Execution) {
      const { toolCallId: callId, abortSignal } = execution;
      const begun = await begin(input, callId);
      if (begun.is === 'known') {
        yield begun.output;
        return;
      }
      let output: unknown;
      try {
        for await (output of execute(input, withKey(execution, begun.key))) yield output;
      } catch (error) {
        throw await fail(callId, error, abortSignal);
      }
      await endCall(database, { runId, callId }, { is: 'done', output: jsonOf(output) });
    };
  }
  return async (input: unknown, execution: Execution) => {
    const { toolCallId: callId, abortSignal } = execution;
    const begun = await begin(input, callId);
    if (begun.is === 'known') return begun.output;
    let output: unknown;
    try {
      output = await (execute(input, withKey(execution, begun.key)) as unknown);
    } catch (error) {
      throw await fail(callId, error, abortSignal);
    }
    await endCall(database, { runId, callId }, { is: 'done', output: jsonOf(output) });
    return output;
  };
}

type Begun =
  | { readonly is: 'known'; readonly output: Json }
  | { readonly is: 'begun'; readonly key: string };

/** What a tool finds in its options, beside the SDK's own: the same key for every try of the call. */
export interface CallKey {
  readonly idempotencyKey: string;
}

function withKey(execution: Execution, idempotencyKey: string) {
  return { ...execution, idempotencyKey } satisfies CallKey & Execution;
}

const GENERATOR: unknown = Object.getPrototypeOf(async function* () {});

function isGenerator(
  execute: Execute,
): execute is (...args: Parameters<Execute>) => AsyncIterable<unknown> {
  return Object.getPrototypeOf(execute) === GENERATOR;
}

/**
 * A call of somebody who died, as far as it is known: its outcome, or made now where its tool allows that, or failed.
 * A tool that is no more, or whose input was not whole, has failed too.
 */
export async function callAgain(
  tool: ToolSet[string] | undefined,
  { callId: toolCallId, input, status }: Pick<ToolPart, 'callId' | 'input' | 'status'>,
  abortSignal: AbortSignal,
): Promise<CallOutcome> {
  const execute = tool?.execute;
  if (execute === undefined || status === 'writing')
    return { is: 'failed', error: UNKNOWN_OUTCOME };
  try {
    const execution = { toolCallId, messages: [], abortSignal, context: undefined as never };
    const answer: unknown = execute(input as never, execution);
    let output: unknown;
    if (isIterable(answer)) for await (output of answer);
    else output = await answer;
    return { is: 'done', output: jsonOf(output) };
  } catch (error) {
    if (error instanceof ToolFailure) return { is: 'failed', error: error.message };
    throw error;
  }
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/** In words that may be shown. */
export class ToolFailure extends Error {}

function jsonOf(value: unknown): Json {
  const text: string | undefined = JSON.stringify(value);
  return text === undefined ? null : (JSON.parse(text) as Json);
}

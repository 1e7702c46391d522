// Tools as a run calls them: each call is written down before it is made, and its outcome before anybody uses it.
// Refuses to own: what tools do, and in which order a model calls them. Rules: RUN-9.

import { MillraceError } from '@millrace/protocol';
import type { Json, ToolPart } from '@millrace/protocol/runs';
import type { SqlDatabase } from '@millrace/server/postgres';
import type { ToolSet } from 'ai';
import { retryDelayMs } from './backoff.ts';
import { isOmitted } from './bounded.ts';
import { jsonOf } from './json-of.ts';
import { mayPass } from './may-pass.ts';
import {
  beginCall,
  type CallOf,
  type CallOutcome,
  endCall,
  readCalls,
} from './store/tool-calls.ts';
import { unlessAborted } from './unless-aborted.ts';

export interface ToolsOptions {
  readonly database: SqlDatabase;
  readonly run: Pick<CallOf, 'runId' | 'owner' | 'fence'> & { readonly userId: string };
  /**
   * Resolves once the call is in the log: made before, it would be one that whoever takes over has never heard of.
   * @returns the call's id in the log
   */
  announced(callId: string): Promise<string>;
  /** Whether a call whose outcome nobody knows may be made again, with the same key. */
  isIdempotent(name: string): boolean;
  describeError(error: unknown): string;
  /** Gives the run up, for whoever takes it over: what came of a call can't be written down here. */
  giveUp(error: unknown): void;
  /** How long a call may take, ms. */
  readonly toolMs: number;
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
  const { database, run, announced, isIdempotent, describeError, giveUp, toolMs } = options;
  const { runId, owner, fence, userId } = run;

  /** The stored outcome, or the key under which it is to be made now. */
  async function begin(input: unknown, callId: string, signal: Signal): Promise<Begun> {
    signal?.throwIfAborted();
    const call = { runId, callId, owner, fence, userId, name, input: jsonOf(input) };
    const begun = await beginCall(database, call);
    if (begun === null) throw new Lost();
    const { outcome, tries, key } = begun;
    if (outcome?.is === 'done') return { is: 'known', output: outcome.output };
    if (outcome?.is === 'failed') throw new ToolFailure(outcome.error);
    if (tries === 1 || isIdempotent(name)) return { is: 'begun', key };
    await end(callId, { is: 'failed', error: UNKNOWN_OUTCOME }, signal);
    throw new ToolFailure(UNKNOWN_OUTCOME);
  }

  /** Whatever it takes: an outcome that is not written down must not be used, or the call may be made twice. */
  async function end(callId: string, outcome: CallOutcome, signal: Signal): Promise<void> {
    for (let failures = 1; ; failures += 1) {
      try {
        if ((await endCall(database, { runId, callId, owner, fence }, outcome)) === null)
          throw new Lost();
        return;
      } catch (error) {
        if (error instanceof Lost) throw error;
        if (signal?.aborted === true || !mayPass(error)) {
          giveUp(error);
          throw error;
        }
      }
      await new Promise((resolve) => setTimeout(resolve, retryDelayMs(failures)));
    }
  }

  async function fail(callId: string, error: unknown, signal: Signal): Promise<unknown> {
    // One that was told to stop is not over: whether it did anything is not known.
    if (signal?.aborted === true) return error;
    const words = describeError(error);
    await end(callId, { is: 'failed', error: words }, signal);
    return new ToolFailure(words);
  }

  // The SDK takes what a generator yields for preliminary, so a plain function stays one.
  if (isGenerator(execute)) {
    return async function* (input: unknown, execution: Execution) {
      const { abortSignal } = execution;
      const callId = await announced(execution.toolCallId);
      const begun = await begin(input, callId, abortSignal);
      if (begun.is === 'known') {
        yield begun.output;
        return;
      }
      let output: unknown;
      const time = limited(toolMs, abortSignal);
      const answer = execute(input, withKey({ ...execution, abortSignal: time.signal }, begun.key));
      const iterator = answer[Symbol.asyncIterator]();
      try {
        for (;;) {
          const next = await unlessAborted(iterator.next(), time.signal);
          if (next.done === true) break;
          output = next.value;
          yield output;
        }
      } catch (error) {
        throw await fail(callId, error, abortSignal);
      } finally {
        time.over();
        // Its own end is not waited for: it may be what hangs.
        iterator.return?.().catch(() => undefined);
      }
      await end(callId, { is: 'done', output: jsonOf(output) }, abortSignal);
    };
  }
  return async (input: unknown, execution: Execution) => {
    const { abortSignal } = execution;
    const callId = await announced(execution.toolCallId);
    const begun = await begin(input, callId, abortSignal);
    if (begun.is === 'known') return begun.output;
    let output: unknown;
    const time = limited(toolMs, abortSignal);
    try {
      const within = withKey({ ...execution, abortSignal: time.signal }, begun.key);
      output = await unlessAborted(answerOf(execute, input, within), time.signal);
    } catch (error) {
      throw await fail(callId, error, abortSignal);
    } finally {
      time.over();
    }
    await end(callId, { is: 'done', output: jsonOf(output) }, abortSignal);
    return output;
  };
}

type Signal = AbortSignal | undefined;

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

/** A signal that aborts with the run's, and when the time of a call is over. */
function limited(ms: number, signal: Signal): { readonly signal: AbortSignal; over(): void } {
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort(new MillraceError('request/timeout', 'The tool took too long.'));
  }, ms);
  return {
    signal: AbortSignal.any([late.signal, ...(signal === undefined ? [] : [signal])]),
    over: () => clearTimeout(timer),
  };
}

/** What it throws at once is a rejection too. */
async function answerOf(
  execute: Execute,
  input: unknown,
  execution: Execution & CallKey,
): Promise<unknown> {
  return lastOf(execute(input, execution));
}

/** What a tool answers, or the last of what it yields. */
async function lastOf(answer: unknown): Promise<unknown> {
  if (!isIterable(answer)) return answer;
  let output: unknown;
  for await (output of answer);
  return output;
}

/**
 * A call of somebody who died, as far as it is known: its outcome, or made now where its tool allows that, or failed.
 * A tool that is no more, one of the provider's, or whose input was not whole, has failed too.
 */
export async function callAgain(
  tool: ToolSet[string] | undefined,
  call: Pick<ToolPart, 'callId' | 'input' | 'status' | 'isRemote'>,
  { database, run }: Pick<ToolsOptions, 'database' | 'run'>,
  abortSignal: AbortSignal,
): Promise<CallOutcome> {
  const { callId: toolCallId, status, isRemote } = call;
  const execute = tool?.execute;
  const unknown: CallOutcome = { is: 'failed', error: UNKNOWN_OUTCOME };
  if (execute === undefined || status === 'writing' || isRemote) return unknown;
  // What was too large for the log is whole in the row; without one nobody has it any more.
  const known = (await readCalls(database, run.runId)).get(toolCallId);
  const input = known?.input ?? call.input;
  if (isOmitted(call.input) && known === undefined) return unknown;
  try {
    const execution = { toolCallId, messages: [], abortSignal, context: undefined };
    return { is: 'done', output: jsonOf(await lastOf(execute(input, execution))) };
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

/** The run is somebody else's. */
class Lost extends Error {}

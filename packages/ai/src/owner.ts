// One run from its claim to its end: begins or takes over, generates, ends. Whatever happens it is then one of: ended
// (the row, the application's rows and the last event in one transaction), or lost (another owner, or none yet, has it:
// nothing is written any more). Refuses to own: claiming and beats (runs.ts). Rules: RUN-3, RUN-5, RUN-7 … RUN-10.
//
//   claimed ─ append run-start, or run-resumed and read to there ─▶ generating ─▶ ending ─▶ ended
//      └─────────────── fenced, or the lease is gone: lost ◀─────────────┴───────────┘

import { MillraceError, toMillraceError } from '@millrace/protocol';
import { foldRun, type RunPart, type RunState, type ToolPart } from '@millrace/protocol/runs';
import type { Hub } from '@millrace/server';
import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';
import type { LanguageModel } from 'ai';
import { clipped, isOmitted } from './bounded.ts';
import { endedAs, type Outcome, publishEnd } from './ending.ts';
import { type Answering, generate, isAllSaid } from './generation.ts';
import { anywhere, createPen, type Pen } from './pen.ts';
import type { RunRow } from './store/run-row.ts';
import { finishRun } from './store/run-store.ts';
import { readCalls } from './store/tool-calls.ts';
import { mendStep, readRun } from './takeover.ts';
import { callAgain, type ToolsOptions, writtenTools } from './tools.ts';

export interface OwnerOptions {
  readonly hub: Hub;
  readonly database: SqlDatabase;
  readonly owner: string;
  answer(run: RunRow, signal: AbortSignal): Answering | Promise<Answering>;
  /** In the transaction that ends the run: the application's own rows. */
  onEnd(tx: SqlTransaction, run: RunRow, state: RunState): Promise<void>;
  describeError(error: unknown): string;
  onError(error: MillraceError): void;
  readonly windowMs: number;
  readonly maxSteps: number;
  /** So many owners may die of it. */
  readonly maxAttempts: number;
}

/** Why a run's generation is broken off: the reason of its signal. */
export type Halt = { readonly is: 'stop'; readonly by: string } | { readonly is: 'lost' };

/** Resolves once the run is ended here, or lost. Rejects with what can't be helped: its lease runs out then. */
export async function ownRun(run: RunRow, halt: AbortSignal, options: OwnerOptions): Promise<void> {
  const pen = createPen({ hub: options.hub, run, windowMs: options.windowMs });
  function halted(): void {
    if (haltOf(halt)?.is === 'lost') pen.close();
    else tellStop(pen, halt);
  }
  try {
    const outcome = await live({ pen, run, halt, options, halted });
    if (outcome === null || haltOf(halt)?.is === 'lost') return;
    // Rejects with why nothing is taken any more, if so.
    await pen.flushed();
    await end(pen, run, outcome, options);
  } catch (thrown) {
    const error = toMillraceError(pen.lost.aborted ? pen.lost.reason : thrown);
    if (haltOf(halt)?.is !== 'lost' && error.code !== 'publish/fenced') throw error;
  } finally {
    halt.removeEventListener('abort', halted);
    pen.close();
  }
}

const STOPPED: Outcome = { status: 'stopped', error: null };
const COMPLETED: Outcome = { status: 'completed', error: null };
const INTERRUPTED: Outcome = {
  status: 'interrupted',
  error: 'Whoever made this answer died, too often to try again.',
};

interface Living {
  readonly pen: Pen;
  readonly run: RunRow;
  readonly halt: AbortSignal;
  readonly options: OwnerOptions;
  readonly halted: () => void;
}

/** Null where it is somebody else's. */
async function live({ pen, run, halt, options, halted }: Living): Promise<Outcome | null> {
  const { hub, database, owner, describeError, maxSteps, maxAttempts } = options;
  const failed = (error: unknown): Outcome => ({ status: 'failed', error: describeError(error) });
  const isStopped = (): boolean => haltOf(halt)?.is === 'stop';
  const asked = await askFor(run, halt, options);
  const model = asked.is === 'known' ? modelName(asked.answering.model) : 'none';
  const signal = AbortSignal.any([halt, pen.lost]);
  if (!(await begin(pen, run, model, hub, signal))) return null;
  if (halt.aborted) halted();
  else halt.addEventListener('abort', halted);
  if (isAllSaid(pen.state.parts, maxSteps)) return COMPLETED;
  if (isStopped()) return STOPPED;
  if (asked.is === 'failed') return failed(asked.error);
  if (run.deaths >= maxAttempts) return INTERRUPTED;

  const { tools = {}, idempotentTools = [] } = asked.answering;
  const { id: runId, fence, userId } = run;
  const calling: ToolsOptions = {
    ...{ database, describeError, run: { runId, owner, fence, userId } },
    announced: (callId) => pen.announced(callId),
    isIdempotent: (name) => idempotentTools.includes(name),
    giveUp: (error) => pen.giveUp(error),
  };
  const written = writtenTools(tools, calling);
  const again = async (call: ToolPart) => {
    const tool = written[call.name];
    const isClients = !call.isRemote && tool !== undefined && tool.execute === undefined;
    if (isClients && call.status === 'called') return null;
    return unlessAborted(callAgain(tool, call, calling, signal), signal);
  };
  pen.write(await mendStep(pen.state.parts, again));
  if (isAllSaid(pen.state.parts, maxSteps)) return COMPLETED;
  const failure = await generate({
    ...{ pen, signal, maxSteps, describeError, tools: written },
    answering: asked.answering,
    parts: await wholeParts(database, runId, pen.state.parts),
  });
  if (isStopped()) return STOPPED;
  return failure === undefined ? COMPLETED : failed(failure);
}

type Asked =
  | { readonly is: 'known'; readonly answering: Answering }
  | { readonly is: 'failed'; readonly error: unknown };

/** An application that can't say how a run is answered has failed it; it must not be tried, or waited for, for ever. */
async function askFor(run: RunRow, halt: AbortSignal, options: OwnerOptions): Promise<Asked> {
  try {
    const answer = Promise.resolve(options.answer(run, halt));
    return { is: 'known', answering: await unlessAborted(answer, halt) };
  } catch (error) {
    return { is: 'failed', error };
  }
}

/** Who does not listen to the signal is not waited for. */
function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void =>
    reject(new MillraceError('engine/closed', 'The run goes on elsewhere.'));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', abort));
}

/**
 * The first event shuts out whoever had the run before: from then on what is read of it is all there is. False where it
 * is somebody else's by then.
 */
async function begin(
  pen: Pen,
  run: RunRow,
  model: string,
  hub: Hub,
  signal: AbortSignal,
): Promise<boolean> {
  const { conversationId, messageId, fence: attempt } = run;
  const of = { conversationId, messageId, model };
  if (attempt === 1) pen.write([{ type: 'run-start', data: of }]);
  else pen.write([{ type: 'run-resumed', data: { ...of, attempt } }]);
  await pen.flushed();
  if (attempt === 1) return true;
  const state = await readRun(hub, { runId: run.id, attempt }, signal);
  if (state === null) return haltOf(signal)?.is === 'stop';
  pen.resume(state);
  return true;
}

/** What was too large for the log, from the rows of the calls. */
async function wholeParts(
  database: SqlDatabase,
  runId: string,
  parts: readonly RunPart[],
): Promise<readonly RunPart[]> {
  const isCut = (part: RunPart): boolean =>
    part.type === 'tool' && (isOmitted(part.input) || isOmitted(part.output));
  if (!parts.some(isCut)) return parts;
  const calls = await readCalls(database, runId);
  return parts.map((part) => {
    const call = part.type === 'tool' ? calls.get(part.callId) : undefined;
    if (part.type !== 'tool' || call === undefined) return part;
    const output = call.outcome?.is === 'done' ? call.outcome.output : part.output;
    return { ...part, input: call.input, output };
  });
}

function tellStop(pen: Pen, halt: AbortSignal): void {
  const reason = haltOf(halt);
  if (reason?.is !== 'stop' || pen.state.stoppedBy !== null) return;
  pen.write([{ type: 'run-stopping', data: { by: clipped(reason.by, 200) || 'somebody' } }]);
}

/**
 * What `onEnd` rejects is tried again by whoever takes the run over. After as many deaths as a run may have it ends
 * without: an application that can't write its rows must not have it for ever.
 */
async function end(pen: Pen, run: RunRow, outcome: Outcome, options: OwnerOptions): Promise<void> {
  const { hub, database, owner, onEnd, onError, maxAttempts } = options;
  const ended = endedAs(outcome, pen.state);
  async function once(withRows: boolean): Promise<void> {
    await database.transaction(async (tx) => {
      const row = await finishRun(tx, { id: run.id, owner, fence: run.fence }, ended);
      if (row === null) throw new MillraceError('publish/fenced', 'Another owner has the run.');
      const event = await publishEnd(hub, tx, row, ended);
      if (withRows) await onEnd(tx, row, foldRun(pen.state, anywhere(event)));
    });
  }
  try {
    await once(true);
  } catch (thrown) {
    const error = toMillraceError(thrown);
    if (error.code === 'publish/fenced' || run.deaths < maxAttempts) throw thrown;
    onError(error);
    await once(false);
  }
}

function haltOf(halt: AbortSignal): Halt | null {
  if (!halt.aborted) return null;
  const reason: unknown = halt.reason;
  return typeof reason === 'object' && reason !== null && 'is' in reason ? (reason as Halt) : null;
}

function modelName(model: LanguageModel): string {
  const name = typeof model === 'string' ? model : model.modelId;
  return clipped(name, 200) || 'unnamed';
}

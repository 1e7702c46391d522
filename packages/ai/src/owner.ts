// One run from its claim to its end: begins or takes over, generates, ends. Whatever happens it is then one of: ended
// (the row, the application's rows and the last event in one transaction), or lost (another owner, or none yet, has it:
// nothing is written any more). Refuses to own: claiming and beats (runs.ts). Rules: RUN-3, RUN-5, RUN-7 … RUN-10.
//
//   claimed ─ append run-start, or run-resumed and read to there ─▶ generating ─▶ ending ─▶ ended
//      └─────────────── fenced, or the lease is gone: lost ◀─────────────┴───────────┘

import { MillraceError, toMillraceError } from '@millrace/protocol';
import {
  aiRuns,
  foldRun,
  type Json,
  type RunPart,
  type RunState,
  type RunUsage,
  type ToolPart,
} from '@millrace/protocol/runs';
import type { Hub } from '@millrace/server';
import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';
import type { LanguageModel } from 'ai';
import { type Answering, generate } from './generation.ts';
import { anywhere, createPen, type Pen } from './pen.ts';
import type { RunRow } from './store/run-row.ts';
import { type Ended, finishRun } from './store/run-store.ts';
import { mendStep, readRun } from './takeover.ts';
import { callAgain, writtenTools } from './tools.ts';

export interface OwnerOptions {
  readonly hub: Hub;
  readonly database: SqlDatabase;
  readonly owner: string;
  answer(run: RunRow): Answering | Promise<Answering>;
  /** In the transaction that ends the run: the application's own rows. */
  onEnd(tx: SqlTransaction, run: RunRow, state: RunState): Promise<void>;
  describeError(error: unknown): string;
  readonly windowMs: number;
  readonly maxSteps: number;
  readonly maxAttempts: number;
}

/** Why a run's generation is broken off: the reason of its signal. */
export type Halt = { readonly is: 'stop'; readonly by: string } | { readonly is: 'lost' };

/** Resolves once the run is ended here, or lost. Rejects with what can't be helped: its lease runs out then. */
export async function ownRun(run: RunRow, halt: AbortSignal, options: OwnerOptions): Promise<void> {
  const pen = createPen({ hub: options.hub, run, windowMs: options.windowMs });
  const stopped = (): void => tellStop(pen, halt);
  try {
    const outcome = await live(pen, run, halt, options, stopped);
    if (haltOf(halt)?.is === 'lost') return;
    // Rejects with why nothing is taken any more, if so.
    await pen.flushed();
    await end(pen, run, outcome, options);
  } catch (thrown) {
    const error = toMillraceError(thrown);
    if (haltOf(halt)?.is !== 'lost' && error.code !== 'publish/fenced') throw error;
  } finally {
    halt.removeEventListener('abort', stopped);
    pen.close();
  }
}

interface Outcome {
  readonly status: Ended['status'];
  readonly error: string | null;
}

const STOPPED: Outcome = { status: 'stopped', error: null };
const COMPLETED: Outcome = { status: 'completed', error: null };
const INTERRUPTED: Outcome = {
  status: 'interrupted',
  error: 'Whoever made this answer died, too often to try again.',
};

async function live(
  pen: Pen,
  run: RunRow,
  halt: AbortSignal,
  options: OwnerOptions,
  onStop: () => void,
): Promise<Outcome> {
  const { hub, database, describeError, maxSteps, maxAttempts } = options;
  const failed = (error: unknown): Outcome => ({ status: 'failed', error: describeError(error) });
  const answering = await askFor(run, options);
  const model = answering.is === 'known' ? modelName(answering.answering.model) : 'none';
  await begin(pen, run, model, hub);
  if (halt.aborted) onStop();
  else halt.addEventListener('abort', onStop);
  if (haltOf(halt)?.is === 'stop') return STOPPED;
  if (answering.is === 'failed') return failed(answering.error);
  if (run.fence > maxAttempts) return INTERRUPTED;

  const signal = AbortSignal.any([halt, pen.lost]);
  const { tools = {}, idempotentTools = [] } = answering.answering;
  const written = writtenTools(tools, {
    ...{ database, describeError, context: { runId: run.id, userId: run.userId } },
    announced: (callId) => pen.announced(callId),
    isIdempotent: (name) => idempotentTools.includes(name),
  });
  const again = async (call: ToolPart) => {
    const tool = written[call.name];
    const isClients = call.status === 'called' && tool !== undefined && tool.execute === undefined;
    return isClients ? null : callAgain(tool, call, signal);
  };
  pen.write(await mendStep(pen.state.parts, again));
  const failure = await generate({
    ...{ pen, signal, maxSteps, describeError, tools: written },
    answering: answering.answering,
  });
  if (haltOf(halt)?.is === 'stop') return STOPPED;
  return failure === undefined ? COMPLETED : failed(failure);
}

/** An application that can't say how a run is answered has failed it; it must not be tried for ever. */
async function askFor(run: RunRow, options: OwnerOptions): Promise<Asked> {
  try {
    return { is: 'known', answering: await options.answer(run) };
  } catch (error) {
    return { is: 'failed', error };
  }
}

type Asked =
  | { readonly is: 'known'; readonly answering: Answering }
  | { readonly is: 'failed'; readonly error: unknown };

/** The first event shuts out whoever had the run before: from then on what is read of it is all there is. */
async function begin(pen: Pen, run: RunRow, model: string, hub: Hub): Promise<void> {
  const attempt = run.fence;
  if (attempt === 1) pen.write([{ type: 'run-start', data: { model } }]);
  else pen.write([{ type: 'run-resumed', data: { attempt, model } }]);
  await pen.flushed();
  if (attempt > 1) pen.resume(await readRun(hub, { runId: run.id, attempt }, pen.lost));
}

function tellStop(pen: Pen, halt: AbortSignal): void {
  const reason = haltOf(halt);
  if (reason?.is !== 'stop' || pen.state.stoppedBy !== null) return;
  pen.write([{ type: 'run-stopping', data: { by: reason.by } }]);
}

async function end(pen: Pen, run: RunRow, outcome: Outcome, options: OwnerOptions): Promise<void> {
  const { hub, database, owner, onEnd } = options;
  const channel = aiRuns.of({ runId: run.id });
  const ended = endedAs(outcome, pen.state);
  const { usage, status, finishReason, error } = ended;
  const event = { type: 'run-end', data: { status, finishReason, error, ...usage } } as const;
  await database.transaction(async (tx) => {
    const row = await finishRun(tx, { id: run.id, owner, fence: run.fence }, ended);
    if (row === null) throw new MillraceError('publish/fenced', 'Another owner has the run.');
    await onEnd(tx, row, foldRun(pen.state, anywhere(event)));
    const out = { query: (sql: string, params: unknown[]) => tx.query(sql, params) };
    await hub.publish(channel, event, { tx: out });
    await hub.end(channel, { tx: out });
  });
}

function endedAs({ status, error }: Outcome, state: RunState): Ended {
  const at = state.parts.findLastIndex((part) => part.type === 'step');
  const step = state.parts[at];
  const finishReason = step?.type === 'step' ? step.finishReason : null;
  const isOpen = step !== undefined && finishReason === null;
  return {
    ...{ status, error, finishReason },
    usage: isOpen ? withEstimate(state.usage, state.parts.slice(at)) : state.usage,
    partial: status === 'completed' ? null : (JSON.parse(JSON.stringify(state.parts)) as Json),
  };
}

/** A step that was broken off sends no bill: some four characters are a token. */
function withEstimate(usage: RunUsage, parts: readonly RunPart[]): RunUsage {
  const characters = parts.reduce((sum, part) => {
    if (part.type === 'text' || part.type === 'reasoning') return sum + part.text.length;
    return part.type === 'tool' ? sum + part.inputText.length : sum;
  }, 0);
  return {
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens + Math.ceil(characters / 4),
    isEstimated: true,
  };
}

function haltOf(halt: AbortSignal): Halt | null {
  return halt.aborted ? (halt.reason as Halt) : null;
}

function modelName(model: LanguageModel): string {
  return typeof model === 'string' ? model : model.modelId;
}

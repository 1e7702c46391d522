// One run from when this node has it to its end: begins or takes over, generates, ends. Whatever happens it is then one of:
// ended (the row, the application's rows and the last event in one transaction), or lost (another owner, or none yet, has
// it: nothing is written any more). Refuses to own: claiming and beats (worker.ts). Rules: RUN-3, RUN-5, RUN-7 … RUN-10,
// RUN-18.
//
//   owned ─ write run-start, or append run-resumed and read to there ─▶ generating ─▶ ending ─▶ ended
//      └─────────────── fenced, or the lease is gone: lost ◀─────────────┴───────────┘

import { MillraceError, toMillraceError } from '@millrace/protocol';
import type { RunPart, RunUsage, ToolPart } from '@millrace/protocol/runs';
import { begin, lostUsage } from './beginning.ts';
import { clipped, isOmitted } from './bounded.ts';
import { type EndOptions, endedAs, endRun, type Outcome } from './ending.ts';
import { type Answering, generate, isAllSaid } from './generation.ts';
import { MAX_NAME_LENGTH, type RunLimits } from './limits.ts';
import { addUsage, createMeter, type Meter } from './meter.ts';
import { createPen, type Pen } from './pen.ts';
import { readPrefix } from './store/run-partial.ts';
import type { RunRow } from './store/run-row.ts';
import { readCalls } from './store/tool-calls.ts';
import { mendStep } from './takeover.ts';
import type { Ticks } from './ticks.ts';
import { callAgain, type ToolsOptions, writtenTools } from './tools.ts';
import { unlessAborted } from './unless-aborted.ts';

export interface OwnerOptions extends Omit<EndOptions, 'maxAttempts'> {
  answer(run: RunRow, signal: AbortSignal): Answering | Promise<Answering>;
  describeError(error: unknown): string;
  readonly limits: RunLimits;
  /** Of this node, `limits.windowMs` apart. */
  readonly ticks: Ticks;
  /** Tokens that the user's other runs took of the budget, as far as this node has heard. */
  spentByOthers(): number;
}

/** Why a run's generation is broken off: the reason of its signal. */
export type Halt = { readonly is: 'stop'; readonly by: string } | { readonly is: 'lost' };

export interface Work {
  /** Resolves once the run is ended here, or lost. Rejects with what can't be helped: its lease runs out then. */
  readonly done: Promise<void>;
  /** What it took so far, by this owner's knowledge. */
  usage(): RunUsage;
}

export function ownRun(run: RunRow, halt: AbortSignal, options: OwnerOptions): Work {
  const { hub, ticks } = options;
  const pen = createPen({ hub, run, ticks });
  const meter = createMeter();
  const usage = (): RunUsage => addUsage(pen.state.usage, meter.rest);
  return { usage, done: ownTo({ pen, meter, run, halt, options, usage }) };
}

interface Living {
  readonly pen: Pen;
  readonly meter: Meter;
  readonly run: RunRow;
  readonly halt: AbortSignal;
  readonly options: OwnerOptions;
  usage(): RunUsage;
}

async function ownTo(living: Living): Promise<void> {
  const { pen, meter, run, halt, options } = living;
  const gone = new AbortController();
  function halted(): void {
    if (haltOf(halt)?.is !== 'lost') return;
    gone.abort(halt.reason);
    pen.close();
  }
  halted();
  halt.addEventListener('abort', halted);
  try {
    const outcome = await live(living, AbortSignal.any([gone.signal, pen.lost]));
    if (outcome === null || haltOf(halt)?.is === 'lost') return;
    // Rejects with why nothing is taken any more, if so.
    await pen.flushed();
    const ended = endedAs(outcome, pen.state, meter.rest);
    const { maxAttempts } = options.limits;
    await endRun(run, pen.state, ended, { ...options, maxAttempts });
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

/** Null where it is somebody else's. */
async function live(living: Living, lost: AbortSignal): Promise<Outcome | null> {
  const { pen, meter, run, halt, options } = living;
  const { hub, database, describeError, limits } = options;
  const failed = (error: unknown): Outcome => ({ status: 'failed', error: describeError(error) });
  const isStopped = (): boolean => haltOf(halt)?.is === 'stop';
  const asked = await askFor(run, halt, options);
  const answering = asked.is === 'known' ? asked.answering : null;
  const model = answering === null ? 'none' : modelName(answering.model);
  const prefix = run.isContinuation ? await readPrefix(database, run.id) : [];
  if (!(await begin({ pen, run, model, hub, prefix, lost }))) return null;
  const ownParts = (): readonly RunPart[] => pen.state.parts.slice(prefix.length);
  const isOver = (): boolean => isAllSaid(ownParts(), limits.maxSteps);
  const tellStop = (): void => writeStop(pen, halt);
  if (halt.aborted) tellStop();
  else halt.addEventListener('abort', tellStop, { once: true });
  if (isOver()) return COMPLETED;
  if (run.fence > 1) {
    const data = await lostUsage(run, pen.state.usage, ownParts(), answering);
    pen.write([{ type: 'run-usage', data }]);
  }
  if (isStopped()) return STOPPED;
  if (asked.is === 'failed') return failed(asked.error);
  if (run.deaths >= limits.maxAttempts) return INTERRUPTED;
  const why = whyNot(living);
  if (why !== null) return failed(why);

  const signal = AbortSignal.any([halt, pen.lost]);
  const { tools, outcomeOf } = toolsOf(living, asked.answering, signal);
  try {
    pen.write(await mendStep(pen.state.parts, outcomeOf));
  } catch (error) {
    if (isStopped()) return STOPPED;
    throw error;
  }
  if (isOver()) return COMPLETED;
  const failure = await generate({
    pen,
    meter,
    signal,
    limits,
    describeError,
    tools,
    prefix,
    answering: asked.answering,
    own: await wholeParts(database, run.id, ownParts()),
    forbidden: () => whyNot(living),
  });
  if (isStopped()) return STOPPED;
  return failure === undefined ? COMPLETED : failed(failure);
}

function toolsOf({ pen, run, options }: Living, answering: Answering, signal: AbortSignal) {
  const { database, owner, describeError } = options;
  const { tools = {}, idempotentTools = [] } = answering;
  const { id: runId, fence, userId } = run;
  const calling: ToolsOptions = {
    database,
    describeError,
    run: { runId, owner, fence, userId },
    announced: (callId) => pen.announced(callId),
    isIdempotent: (name) => idempotentTools.includes(name),
    giveUp: (error) => pen.giveUp(error),
    toolMs: options.limits.toolMs,
  };
  const written = writtenTools(tools, calling);
  return {
    tools: written,
    async outcomeOf(call: ToolPart) {
      const tool = written[call.name];
      const isClients = !call.isRemote && tool !== undefined && tool.execute === undefined;
      if (isClients && call.status === 'called') return null;
      return unlessAborted(callAgain(tool, call, calling, signal), signal);
    },
  };
}

/** Why it may not go on: it is too long, or what its user may spend is spent. */
function whyNot({ pen, options, usage }: Living): MillraceError | null {
  const { limits, spentByOthers } = options;
  if (pen.length > limits.maxAnswerLength) {
    const most = `${limits.maxAnswerLength} characters`;
    return new MillraceError('limit/body-size', `The answer grew past ${most}, and was ended.`);
  }
  if (limits.budget === null) return null;
  const { inputTokens, outputTokens } = usage();
  const spent = inputTokens + outputTokens + spentByOthers();
  if (spent <= limits.budget.tokensPerUser) return null;
  return new MillraceError('limit/tokens', 'The budget of tokens is used up. Ask again later.');
}

type Asked =
  | { readonly is: 'known'; readonly answering: Answering }
  | { readonly is: 'failed'; readonly error: unknown };

/** An application that can't say how a run is answered has failed it; it must not be tried, or waited for, for ever. */
async function askFor(run: RunRow, halt: AbortSignal, options: OwnerOptions): Promise<Asked> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(answeredTooLate()), options.limits.answerMs);
  const signal = AbortSignal.any([halt, late.signal]);
  try {
    const answer = Promise.resolve(options.answer(run, signal));
    return { is: 'known', answering: await unlessAborted(answer, signal) };
  } catch (error) {
    return { is: 'failed', error };
  } finally {
    clearTimeout(timer);
  }
}

function answeredTooLate(): MillraceError {
  return new MillraceError('request/timeout', 'How to answer was not known in time.');
}

/** What was too large for the log, from the rows of the calls. */
async function wholeParts(
  database: EndOptions['database'],
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

function writeStop(pen: Pen, halt: AbortSignal): void {
  const reason = haltOf(halt);
  if (reason?.is !== 'stop' || pen.state.stoppedBy !== null) return;
  const by = clipped(reason.by, MAX_NAME_LENGTH) || 'somebody';
  pen.write([{ type: 'run-stopping', data: { by } }]);
}

function haltOf(halt: AbortSignal): Halt | null {
  if (!halt.aborted) return null;
  const reason: unknown = halt.reason;
  return typeof reason === 'object' && reason !== null && 'is' in reason ? (reason as Halt) : null;
}

function modelName(model: Answering['model']): string {
  const name = typeof model === 'string' ? model : model.modelId;
  return clipped(name, MAX_NAME_LENGTH) || 'unnamed';
}

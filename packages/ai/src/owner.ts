// One run from its claim to its end: begins or takes over, lets the AI SDK generate, writes what it says, ends. Whatever
// happens it ends in one of: ended (the row, the application's rows and the last event in one transaction), or lost
// (another owner, or none yet, has it: nothing is written any more). Refuses to own: claiming and beats (runs.ts).
// Rules: RUN-3, RUN-5, RUN-7 … RUN-10.
//
//   claimed ─ append run-start or run-resumed ─▶ (read to there, mend the open step) ─▶ generating ─▶ ending ─▶ ended
//      └────────────── fenced, or the lease is lost: lost ◀──────────────┴──────────────────┘

import { MillraceError, toMillraceError } from '@millrace/protocol';
import { aiRuns, EMPTY_RUN, foldRun, type RunPart, type RunState } from '@millrace/protocol/runs';
import { toOffset } from '@millrace/protocol/wire';
import type { Hub } from '@millrace/server';
import type { SqlDatabase } from '@millrace/server/postgres';
import { isStepCount, type LanguageModel, type ModelMessage, streamText, type ToolSet } from 'ai';
import { toModelMessages } from './messages.ts';
import type { RunRow } from './store/run-row.ts';
import { type Ended, finishRun } from './store/run-store.ts';
import { callAgain, writtenTools } from './tools.ts';
import { createTranscript, type RunWrite } from './transcript.ts';
import { createWindow } from './window.ts';

/** How an answer is made: asked anew for each attempt. */
export interface Answering {
  readonly model: LanguageModel;
  /** The conversation so far, the question at its end. */
  readonly messages: readonly ModelMessage[];
  readonly instructions?: string;
  readonly tools?: ToolSet;
  /** Names of tools that may be called again with the same key where nobody knows what came of a call. Default none. */
  readonly idempotentTools?: readonly string[];
  /** Temperature, top-p and the like, as `streamText` takes them. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface OwnerOptions {
  readonly hub: Hub;
  readonly database: SqlDatabase;
  readonly owner: string;
  answer(run: RunRow): Answering | Promise<Answering>;
  /** In the transaction that ends the run: the application's own rows. */
  onEnd(tx: SqlTransactionOf, run: RunRow, state: RunState): Promise<void>;
  describeError(error: unknown): string;
  readonly windowMs: number;
  readonly maxSteps: number;
  readonly maxAttempts: number;
}

type SqlTransactionOf = Parameters<Parameters<SqlDatabase['transaction']>[0]>[0];

/** Why a run's generation is broken off: the reason of its signal. */
export type Halt = { readonly is: 'stop'; readonly by: string } | { readonly is: 'lost' };

/** Where an event is does not matter to the fold. */
const NOWHERE = { offset: toOffset(1), at: '' };

/** How long after a failure that may pass something is tried again, ms. */
const RETRY_MS = 250;
/** So many characters may wait to be appended before the model is read on. */
const MAX_WAITING = 64_000;

/** Resolves once the run is ended here, or lost. Rejects with what can't be helped: its lease runs out then. */
export async function ownRun(run: RunRow, halt: AbortSignal, options: OwnerOptions): Promise<void> {
  const { hub, database, owner, windowMs } = options;
  const channel = aiRuns.of({ runId: run.id });
  const lost = new AbortController();
  const window = createWindow({
    everyMs: windowMs,
    retryMs: RETRY_MS,
    now: () => performance.now(),
    after(delayMs, call) {
      const timer = setTimeout(call, delayMs);
      return () => clearTimeout(timer);
    },
    onClosed: (reason) => lost.abort(reason),
    async append(events, first) {
      const results = await hub.publishMany(
        events.map((event, index) => ({
          ...{ channel, event },
          producer: { id: run.id, epoch: run.fence, sequence: first + index },
        })),
      );
      const refused = results.find((result) => 'error' in result);
      if (refused !== undefined && 'error' in refused) throw refused.error;
    },
  });
  const haltedBy = (): Halt['is'] | null => (halt.aborted ? (halt.reason as Halt).is : null);
  const isLost = (): boolean => lost.signal.aborted || haltedBy() === 'lost';

  const { conversationId, messageId } = run;
  let state: RunState = { ...EMPTY_RUN, status: 'queued', conversationId, messageId };
  function write(events: readonly RunWrite[]): void {
    for (const event of events) state = foldRun(state, { ...event, ...NOWHERE });
    window.write(events);
    for (const { type, data } of events)
      if (type === 'tool-call') announcement(data.callId).resolve();
  }

  /** Of each call that it was written; a tool may be started before its call comes out of the SDK's stream. */
  const announcements = new Map<string, PromiseWithResolvers<void>>();
  function announcement(callId: string): PromiseWithResolvers<void> {
    const known = announcements.get(callId) ?? Promise.withResolvers<void>();
    announcements.set(callId, known);
    return known;
  }

  function tellStop(): void {
    const reason = halt.reason as Halt;
    if (reason.is === 'stop' && state.stoppedBy === null) {
      write([{ type: 'run-stopping', data: { by: reason.by } }]);
    }
  }

  try {
    const answering = await options.answer(run);
    const model = modelName(answering.model);
    if (run.fence === 1) write([{ type: 'run-start', data: { model } }]);
    else window.write([{ type: 'run-resumed', data: { attempt: run.fence, model } }]);
    await window.flushed();
    if (run.fence > 1) {
      state = await readTo(run.fence);
      write(await mended(state.parts, answering));
    }
    if (halt.aborted) tellStop();
    else halt.addEventListener('abort', tellStop);
    const outcome = await generate(answering);
    if (isLost()) return;
    await window.flushed();
    await end(outcome);
  } catch (thrown) {
    const error = toMillraceError(thrown);
    if (!isLost() && error.code !== 'publish/fenced') throw error;
  } finally {
    halt.removeEventListener('abort', tellStop);
    window.close();
  }

  /** What the run is when `run-resumed` of this attempt is read: nobody before can have written behind it. */
  async function readTo(attempt: number): Promise<RunState> {
    let read = EMPTY_RUN;
    for await (const told of hub.follow(channel, { start: 'start', signal: lost.signal })) {
      if (told.type === 'verdict' && told.verdict.verdict === 'snapshot') {
        read = told.verdict.state as RunState;
      }
      if (told.type === 'event') read = foldRun(read, told.event);
      if (read.attempt === attempt) break;
    }
    return read;
  }

  /** Ends the step that its maker left open: with the calls that it made, or as if it had not begun. */
  async function mended(
    parts: readonly RunPart[],
    answering: Answering,
  ): Promise<readonly RunWrite[]> {
    const at = parts.findLastIndex((part) => part.type === 'step');
    const step = parts[at];
    if (step?.type !== 'step' || step.finishReason !== null) return [];
    const open = parts.slice(at + 1);
    if (!open.some((part) => part.type === 'tool' && part.status !== 'writing')) {
      return [{ type: 'step-reset', data: { part: at } }];
    }
    const events: RunWrite[] = [];
    for (const [index, part] of parts.entries()) {
      if (index <= at || part.type !== 'tool') continue;
      if (part.status === 'done' || part.status === 'failed') continue;
      const { callId, name, isRemote } = part;
      announcement(callId).resolve();
      const outcome = await callAgain(toolsOf(answering)[name], part, halt);
      if (outcome.is === 'done') {
        events.push({ type: 'tool-result', data: { part: index, output: outcome.output } });
      } else {
        const { error } = outcome;
        events.push({ type: 'tool-error', data: { part: index, callId, name, isRemote, error } });
      }
    }
    const none = { inputTokens: 0, outputTokens: 0, isEstimated: true };
    return [
      ...events,
      { type: 'step-end', data: { part: at, finishReason: 'tool-calls', ...none } },
    ];
  }

  function toolsOf({ tools = {}, idempotentTools = [] }: Answering): ToolSet {
    return writtenTools(tools, {
      database,
      context: { runId: run.id, userId: run.userId },
      async announced(callId) {
        await announcement(callId).promise;
        await window.flushed();
      },
      isIdempotent: (name) => idempotentTools.includes(name),
      describeError: options.describeError,
    });
  }

  async function generate(answering: Answering): Promise<Outcome> {
    const done = state.parts.filter((part) => part.type === 'step').length;
    if (haltedBy() === 'stop') return { status: 'stopped' };
    if (run.fence > options.maxAttempts) return { status: 'interrupted' };
    const last = state.parts.findLast((part) => part.type === 'step');
    // It had said all of it, and died before it could say that it had.
    if (last?.finishReason != null && last.finishReason !== 'tool-calls') {
      return { status: 'completed' };
    }
    const { model, messages, instructions, settings } = answering;
    let failure: unknown;
    const { stream } = streamText({
      ...settings,
      model,
      messages: [...messages, ...toModelMessages(state.parts)],
      ...(instructions === undefined ? {} : { instructions }),
      tools: toolsOf(answering),
      stopWhen: isStepCount(Math.max(1, options.maxSteps - done)),
      abortSignal: AbortSignal.any([halt, lost.signal]),
      onError: () => undefined,
    });
    const transcript = createTranscript({
      from: state.parts.length,
      describeToolError: options.describeError,
    });
    for await (const part of stream) {
      // What its abort makes of tools and texts is nobody's word on them.
      if (isLost()) break;
      if (part.type === 'error') failure = part.error;
      write(transcript.take(part));
      if (window.waiting > MAX_WAITING) await window.flushed();
    }
    if (haltedBy() === 'stop') return { status: 'stopped' };
    if (failure !== undefined) return { status: 'failed', error: options.describeError(failure) };
    return { status: 'completed' };
  }

  async function end(outcome: Outcome): Promise<void> {
    const ended = endedAs(outcome, state);
    const { usage, status, finishReason, error } = ended;
    const data = { status, finishReason, error, ...usage };
    await database.transaction(async (tx) => {
      const row = await finishRun(tx, { id: run.id, owner, fence: run.fence }, ended);
      if (row === null) throw new MillraceError('publish/fenced', 'Another owner has the run.');
      await options.onEnd(tx, row, foldRun(state, { type: 'run-end', data, ...NOWHERE }));
      const out = { query: (sql: string, params: unknown[]) => tx.query(sql, params) };
      await hub.publish(channel, { type: 'run-end', data }, { tx: out });
      await hub.end(channel, { tx: out });
    });
  }
}

interface Outcome {
  readonly status: 'completed' | 'stopped' | 'failed' | 'interrupted';
  readonly error?: string | null;
}

function endedAs({ status, error = null }: Outcome, state: RunState): Ended {
  const last = state.parts.findLast((part) => part.type === 'step');
  const isOpen = last !== undefined && last.finishReason === null;
  const open = isOpen ? state.parts.slice(state.parts.lastIndexOf(last)) : [];
  return {
    status,
    error:
      status === 'interrupted' ? 'Whoever made this answer died, too often to try again.' : error,
    finishReason: isOpen ? null : (last?.finishReason ?? null),
    // A step that was broken off sends no bill: some four characters are a token.
    usage: isOpen
      ? {
          inputTokens: state.usage.inputTokens,
          outputTokens: state.usage.outputTokens + Math.ceil(lengthOf(open) / 4),
          isEstimated: true,
        }
      : state.usage,
    partial: status === 'completed' ? null : JSON.parse(JSON.stringify(state.parts)),
  };
}

function lengthOf(parts: readonly RunPart[]): number {
  return parts.reduce((sum, part) => {
    if (part.type === 'text' || part.type === 'reasoning') return sum + part.text.length;
    return part.type === 'tool' ? sum + part.inputText.length : sum;
  }, 0);
}

function modelName(model: LanguageModel): string {
  return typeof model === 'string' ? model : model.modelId;
}

// Every number of AI runs: those that an application may set, with their defaults and what happens past them, and those
// that all nodes have to agree on. Rules: RUN-4, RUN-7, RUN-12, RUN-14, RUN-17, RUN-18.

import { MillraceError } from '@millrace/protocol';

/** Tokens of input and output together, exact where a provider told them, estimated elsewhere. */
export interface TokenBudget {
  /** What all runs of a user that are under way or ended within the window may take together. */
  readonly tokensPerUser: number;
  readonly windowMs: number;
}

/** Pass a part of it to `createRuns` to change some. */
export interface RunLimits {
  /** Conversations in which one user has a run that is not over. Past it: `limit/runs`, the start is refused. */
  readonly maxRunningPerUser: number;
  /** Runs that wait in one conversation. Past it: `limit/runs`, the start is refused. */
  readonly maxQueuedPerConversation: number;
  /** Bytes of a question's JSON. Past it: `limit/body-size`, the start is refused. */
  readonly maxQuestionBytes: number;
  /**
   * Past it: `limit/tokens` with `retryAfterMs`, the start is refused; a run that is under way is `failed` and says so,
   * within a beat of the other runs' spending. Null: no budget.
   */
  readonly budget: TokenBudget | null;
  /** Steps of one run. Past it: it is `completed`, its last finish reason being `tool-calls`. */
  readonly maxSteps: number;
  /** Owners that may die of a run; one that gives it back has not died. Past it: `interrupted`. */
  readonly maxAttempts: number;
  /** Runs that this node works on at a time. Past it: they wait, or another node takes them. */
  readonly maxOwned: number;
  /** How long `answer` may take to say how a run is answered, ms. Past it: `failed`. */
  readonly answerMs: number;
  /** How long tokens are gathered, ms. */
  readonly windowMs: number;
  /** How long a model may say nothing at first, ms, at each try. Past it: its line is closed, the run `failed`. */
  readonly firstTokenMs: number;
  /** How long a model may say nothing between two tokens, ms. Past it: as above. */
  readonly stallMs: number;
  /**
   * Further tries of a step of which no token came, after what may pass: a broken line, 429 and 5xx. Waits as the AI SDK
   * does, for `Retry-After` if there is one. Past it: `failed`. What has begun is never tried again.
   */
  readonly maxRetries: number;
  /** Characters of one answer: its texts, and its tools' inputs and outputs as events have them. Past it: `failed`. */
  readonly maxAnswerLength: number;
  /** How long one call of a tool may take, ms. Past it: its signal aborts, and the call has failed. */
  readonly toolMs: number;
  /** How long a run that is over is kept, ms, with its calls: to be read, retried, continued, counted. Past it: forgotten. */
  readonly keepMs: number;
}

export const RUN_LIMITS: RunLimits = {
  maxRunningPerUser: 32,
  maxQueuedPerConversation: 20,
  maxQuestionBytes: 131_072,
  budget: null,
  maxSteps: 20,
  maxAttempts: 3,
  maxOwned: 100,
  answerMs: 30_000,
  windowMs: 30,
  firstTokenMs: 120_000,
  stallMs: 60_000,
  maxRetries: 2,
  maxAnswerLength: 1_000_000,
  toolMs: 300_000,
  keepMs: 30 * 24 * 60 * 60 * 1_000,
};

/** @throws MillraceError `settings/invalid` */
export function runLimits(given: Partial<RunLimits>): RunLimits {
  const limits: RunLimits = {
    maxRunningPerUser: given.maxRunningPerUser ?? RUN_LIMITS.maxRunningPerUser,
    maxQueuedPerConversation: given.maxQueuedPerConversation ?? RUN_LIMITS.maxQueuedPerConversation,
    maxQuestionBytes: given.maxQuestionBytes ?? RUN_LIMITS.maxQuestionBytes,
    budget: given.budget ?? RUN_LIMITS.budget,
    maxSteps: given.maxSteps ?? RUN_LIMITS.maxSteps,
    maxAttempts: given.maxAttempts ?? RUN_LIMITS.maxAttempts,
    maxOwned: given.maxOwned ?? RUN_LIMITS.maxOwned,
    answerMs: given.answerMs ?? RUN_LIMITS.answerMs,
    windowMs: given.windowMs ?? RUN_LIMITS.windowMs,
    firstTokenMs: given.firstTokenMs ?? RUN_LIMITS.firstTokenMs,
    stallMs: given.stallMs ?? RUN_LIMITS.stallMs,
    maxRetries: given.maxRetries ?? RUN_LIMITS.maxRetries,
    maxAnswerLength: given.maxAnswerLength ?? RUN_LIMITS.maxAnswerLength,
    toolMs: given.toolMs ?? RUN_LIMITS.toolMs,
    keepMs: given.keepMs ?? RUN_LIMITS.keepMs,
  };
  const { budget, ...numbers } = limits;
  const all: Readonly<Record<string, number>> = {
    ...numbers,
    ...(budget !== null && budgetOf(budget)),
  };
  for (const [name, value] of Object.entries(all)) {
    if (value > 0 || (value === 0 && MAY_BE_NONE.has(name))) continue;
    throw new MillraceError('settings/invalid', `The limit ${name} of runs can't be ${value}.`);
  }
  return limits;
}

const MAY_BE_NONE: ReadonlySet<string> = new Set([
  'maxQueuedPerConversation',
  'maxRetries',
  'windowMs',
]);

function budgetOf({ tokensPerUser, windowMs }: TokenBudget): Readonly<Record<string, number>> {
  return { 'budget.tokensPerUser': tokensPerUser, 'budget.windowMs': windowMs };
}

/** How long a run is its owner's without a beat, ms. All nodes must have the same. */
export const LEASE_MS = 6_000;

/** Time between two beats, and at most between two looks for what nobody has, ms: three fit into a lease. */
export const BEAT_MS = 2_000;

/** Time between two looks for runs that are to be forgotten, ms, and most of them in one transaction. */
export const FORGET_EVERY_MS = 600_000;
export const FORGET_AT_ONCE = 200;

/** What is tried again in the background waits between 0 and this much, ms, twice as much after each failure … */
export const RETRY_MS = 250;

/** … up to this: well within a lease. */
export const MAX_RETRY_MS = 2_000;

/** Bytes of one value (a tool's input or output, data, a file, a question) in an event. Past it: it is left out, and said to be. */
export const MAX_VALUE_BYTES = 40_000;

/** Bytes of what a provider wants back with a part. Past it: left out. */
export const MAX_NOTE_BYTES = 4_000;

/** Characters of a text in one event. Past it: it leaves in several, each below `maxEventBytes` whatever its letters are. */
export const MAX_DELTA_LENGTH = 8_000;

/** Characters of an error that readers are told. Past it: cut. */
export const MAX_ERROR_LENGTH = 2_000;

/** Characters of what names something: a conversation, a user, a key, a model. Past it: `request/invalid`. */
export const MAX_NAME_LENGTH = 200;

/** Tokens of one step, in or out, that a provider may tell. Past it: estimated. */
export const MAX_STEP_TOKENS = 1_000_000_000;

/** Characters that wait to be appended. Past it: the model is not read on until they are. */
export const MAX_WAITING_LENGTH = 64_000;

// The runs of a conversation that a page knows, folded from what their channels say. Pure. A run stays, also behind its
// end, until its message is stored: so nothing that was seen goes away.

import {
  type ConversationState,
  isFinalStatus,
  type Json,
  type RunState,
  type RunStatus,
} from '@millrace/protocol/runs';
import { isJsonObject } from '@millrace/protocol/wire';

export interface ChatRun {
  readonly runId: string;
  /** The id of the answer that it writes. */
  readonly messageId: string;
  /** The stored question's id where the server says it; else the run's that was asked first. */
  readonly questionId: string;
  readonly question: string;
  /** Runs whose answers it takes the place of. */
  readonly replaces: readonly string[];
  readonly createdAt: string;
  /** As the conversation's channel, or the run's end, has it. */
  readonly status: RunStatus;
  /** The answer; null before its channel has spoken. */
  readonly state: RunState | null;
  /** Nothing more comes: it ended, or may not be read. */
  readonly isSettled: boolean;
}

/** What the conversation's channel says, on top of what is known. `now`: ISO 8601. */
export function withConversation(
  runs: readonly ChatRun[],
  { runs: going, last }: ConversationState,
  now: string,
): readonly ChatRun[] {
  const known = new Set(runs.map(({ runId }) => runId));
  const kept = runs.map((run): ChatRun => {
    const current = going.find(({ runId }) => runId === run.runId);
    const told = current?.status ?? (last?.runId === run.runId ? last.status : run.status);
    const status = further(run.status, told);
    return status === run.status ? run : { ...run, status };
  });
  const added = going
    .filter(({ runId }) => !known.has(runId))
    .map(({ runId, messageId, question, retryOf, status }): ChatRun => {
      const asked = readQuestion(question);
      const replaces = [retryOf, asked.retryOf].filter((id) => id !== null);
      const before = runs.find((run) => replaces.includes(run.runId));
      return {
        ...{ runId, messageId, replaces, status, createdAt: now, state: null, isSettled: false },
        questionId: asked.messageId ?? before?.questionId ?? retryOf ?? runId,
        question: asked.text,
      };
    });
  // Before this page came it ended without a message: what there is of it, and why.
  if (last !== null && last.status !== 'completed' && !known.has(last.runId)) {
    const { runId, messageId, status } = last;
    added.unshift({
      ...{ runId, messageId, replaces: [], status, createdAt: now, state: null, isSettled: false },
      ...{ questionId: runId, question: '' },
    });
  }
  const next = [...kept, ...added];
  return added.length === 0 && kept.every((run, at) => run === runs[at]) ? runs : next;
}

/** What the channel of one run says. */
export function withState(
  runs: readonly ChatRun[],
  runId: string,
  state: RunState,
): readonly ChatRun[] {
  return change(runs, runId, (run) => {
    const status = further(run.status, state.status ?? run.status);
    return { ...run, state, status, isSettled: isFinalStatus(state.status) };
  });
}

export function withSettled(runs: readonly ChatRun[], runId: string): readonly ChatRun[] {
  return change(runs, runId, (run) => (run.isSettled ? run : { ...run, isSettled: true }));
}

/** Without those whose messages are stored, and those whose place such a one has taken. */
export function withoutStored(
  runs: readonly ChatRun[],
  storedIds: ReadonlySet<string>,
): readonly ChatRun[] {
  const kept = runs.filter(
    (run, at) =>
      !runs.some(
        (other, place) =>
          storedIds.has(other.messageId) &&
          (other === run || (place > at && isReplacedBy(run, other))),
      ),
  );
  return kept.length === runs.length ? runs : kept;
}

/** Of each question the run that was asked last, in the order of the questions. */
export function newestByQuestion(runs: readonly ChatRun[]): readonly ChatRun[] {
  return runs.filter((run, at) => !runs.slice(at + 1).some((later) => isReplacedBy(run, later)));
}

function isReplacedBy({ runId, questionId }: ChatRun, later: ChatRun): boolean {
  return later.questionId === questionId || later.replaces.includes(runId);
}

/** The one at work, or else the first that waits; null where none is. */
export function activeOf(runs: readonly ChatRun[]): ChatRun | null {
  const going = runs.filter(({ status }) => !isFinalStatus(status));
  return going.find(({ status }) => status !== 'queued') ?? going[0] ?? null;
}

/** Of what the two channels say, which may be ahead of each other. */
function further(one: RunStatus, other: RunStatus): RunStatus {
  const order: readonly RunStatus[] = ['queued', 'running', 'stopping'];
  if (isFinalStatus(one) || isFinalStatus(other)) return isFinalStatus(one) ? one : other;
  return order.indexOf(other) > order.indexOf(one) ? other : one;
}

function change(
  runs: readonly ChatRun[],
  runId: string,
  next: (run: ChatRun) => ChatRun,
): readonly ChatRun[] {
  return runs.map((run) => (run.runId === runId ? next(run) : run));
}

interface Asked {
  readonly text: string;
  readonly messageId: string | null;
  readonly retryOf: string | null;
}

/** A question is in its application's own form: a text, or an object with one. */
function readQuestion(question: Json): Asked {
  if (typeof question === 'string') return { text: question, messageId: null, retryOf: null };
  const { text, messageId, retryOf } = isJsonObject(question) ? question : {};
  return {
    text: typeof text === 'string' ? text : '',
    messageId: typeof messageId === 'string' ? messageId : null,
    retryOf: typeof retryOf === 'string' ? retryOf : null,
  };
}

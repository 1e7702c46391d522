// What `useChat` shows: what is stored, what is being written, and what is on its way, as one list. An answer stands behind
// its question wherever it comes from, so that nothing moves when the stored one takes its place. Pure.

import { isFinalStatus, textOfRun } from '@millrace/protocol/runs';
import { type ChatMessage, questionParts } from './chat-message.ts';
import { activeOf, type ChatRun, newestByQuestion } from './chat-runs.ts';

/** A question that the server has not accepted. */
export interface ChatSend {
  /** The question's id, and the key under which it is sent. */
  readonly id: string;
  readonly text: string;
  readonly createdAt: string;
  /** Why it did not get there; null while it is on its way. */
  readonly error: string | null;
}

/**
 * `loading` what is stored · `ready` · `submitted`: a question is on its way, waits, or has no word of an answer yet ·
 * `streaming` · `stopping`
 */
export type ChatStatus = 'loading' | 'ready' | 'submitted' | 'streaming' | 'stopping';

export interface QueuedQuestion {
  readonly runId: string;
  readonly text: string;
}

export interface ChatSource {
  /** Null before it is loaded. */
  readonly history: readonly ChatMessage[] | null;
  readonly runs: readonly ChatRun[];
  readonly sends: readonly ChatSend[];
  /** Runs that this page has asked to stop, and questions whose runs are to be stopped as soon as they are known. */
  readonly stopping: ReadonlySet<string>;
}

/** Messages by id, so that one which has not changed is the same object. */
export type Shown = ReadonlyMap<string, ChatMessage>;

export function messagesOf(source: ChatSource, shown: Shown): readonly ChatMessage[] {
  const stored = source.history ?? [];
  const storedIds = new Set(stored.map(({ id }) => id));
  const newest = newestByQuestion(source.runs);
  const answers = answersByRun(stored);
  const active = activeOf(source.runs);
  const list: ChatMessage[] = [];
  const told = new Set<ChatRun>();
  const answer = (run: ChatRun): void => {
    // One that waits behind another has nothing to show yet.
    if (run.status !== 'queued' || run === active) list.push(answerOf(run, source, shown));
  };
  for (const message of stored) {
    if (message.role === 'assistant') {
      // The others stand behind their questions.
      const isAlone = message.runId === null || !answers.has(message.runId);
      if (isAlone && !isReplaced(newest, message)) list.push(message);
      continue;
    }
    list.push(message);
    const run = newest.find((one) => isAbout(one, message));
    if (run !== undefined) told.add(run);
    if (run !== undefined && !storedIds.has(run.messageId)) answer(run);
    else if (message.runId !== null) list.push(...(answers.get(message.runId) ?? []));
  }
  for (const run of newest) {
    if (told.has(run)) continue;
    if (run.question !== '') list.push(questionOf(run, shown));
    if (!storedIds.has(run.messageId)) answer(run);
  }
  const asked = new Set([...storedIds, ...source.runs.map(({ questionId }) => questionId)]);
  for (const send of source.sends) if (!asked.has(send.id)) list.push(sendOf(send, shown));
  return list;
}

export function statusOf({ history, runs, sends, stopping }: ChatSource): ChatStatus {
  const active = activeOf(runs);
  if (active !== null) {
    if (stopping.has(active.runId) || active.state?.status === 'stopping') return 'stopping';
    const isSaid = active.state?.parts.some(({ type }) => type !== 'step') ?? false;
    return isSaid ? 'streaming' : 'submitted';
  }
  const sending = sends.find(({ error }) => error === null);
  if (sending !== undefined) return stopping.has(sending.id) ? 'stopping' : 'submitted';
  return history === null ? 'loading' : 'ready';
}

export function queueOf(runs: readonly ChatRun[]): readonly QueuedQuestion[] {
  const active = activeOf(runs);
  return runs
    .filter((run) => run.status === 'queued' && run !== active)
    .map(({ runId, question }) => ({ runId, text: question }));
}

function isAbout(run: ChatRun, { id, runId }: ChatMessage): boolean {
  return (
    run.questionId === id ||
    (runId !== null && (run.runId === runId || run.replaces.includes(runId)))
  );
}

/** The stored answers of each run whose question is stored too. */
function answersByRun(stored: readonly ChatMessage[]): ReadonlyMap<string, ChatMessage[]> {
  const answers = new Map<string, ChatMessage[]>();
  for (const { role, runId } of stored)
    if (role === 'user' && runId !== null) answers.set(runId, []);
  for (const message of stored) {
    if (message.role === 'assistant' && message.runId !== null) {
      answers.get(message.runId)?.push(message);
    }
  }
  return answers;
}

function isReplaced(runs: readonly ChatRun[], { runId, id }: ChatMessage): boolean {
  return runs.some((run) => runId !== null && run.messageId !== id && run.replaces.includes(runId));
}

function answerOf(run: ChatRun, { stopping }: ChatSource, shown: Shown): ChatMessage {
  const { runId, messageId: id, createdAt, state } = run;
  const old = shown.get(id);
  const going = stopping.has(runId) ? 'stopping' : (state?.status ?? run.status);
  const status = isFinalStatus(run.status) ? run.status : going;
  const parts = state?.parts ?? [];
  const error = state?.error ?? null;
  if (old?.parts === parts && old.status === status && old.error === error) return old;
  const text = old?.parts === parts ? old.text : textOfRun({ parts });
  return { id, role: 'assistant', parts, text, status, runId, error, createdAt };
}

function questionOf(run: ChatRun, shown: Shown): ChatMessage {
  const { questionId: id, question: text, runId, createdAt } = run;
  const old = shown.get(id);
  if (old?.status === 'completed' && old.runId === runId && old.text === text) return old;
  const rest = { runId, error: null, createdAt: old?.createdAt ?? createdAt };
  const parts = old?.text === text ? old.parts : questionParts(text);
  return { id, role: 'user', parts, text, status: 'completed', ...rest };
}

function sendOf({ id, text, createdAt, error }: ChatSend, shown: Shown): ChatMessage {
  const old = shown.get(id);
  const status = error === null ? 'sending' : 'failed';
  if (old?.status === status && old.error === error) return old;
  const parts = old?.parts ?? questionParts(text);
  return { id, role: 'user', parts, text, status, runId: null, error, createdAt };
}

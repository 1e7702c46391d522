// Spec E12's answer about one trading run as a store: one at a time, by plain blocks (E1). Refuses to own retries, which
// the stream's client has, and what was said before, which `useChat` shows.

import { ConnectionState } from '@millrace/client';
import { MillraceError, toMillraceError } from '@millrace/protocol';
import { createFrameStore, type FrameStore } from '../frame-store.ts';
import { type AnswerStream, callBack, createAnswerStream } from './answer-stream.ts';
import { insistJson } from './json-request.ts';
import { notShorter } from './openai-answer.ts';
import { EMPTY_PLAIN, foldPlain, type PlainTold, readPlain } from './plain-answer.ts';

export interface ChatStreamView {
  /** More may come, also while the stream is interrupted. */
  readonly isStreaming: boolean;
  /** The answer so far; stays when it is over. */
  readonly streamedContent: string;
  /** The tools that it used, each once. */
  readonly toolsUsed: readonly string[];
  /** Why there is no answer, or no more of it; safe to render. */
  readonly error: string | null;
  readonly connectionState: ConnectionState;
  /** The AI run that makes the answer; null before the server has accepted the question. */
  readonly runId: string | null;
}

export interface ChatStreamSettings {
  readonly onComplete: ((content: string) => void) | undefined;
  readonly onError: ((error: MillraceError) => void) | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly fetch: typeof fetch | undefined;
}

export interface ChatStreamStore extends FrameStore<ChatStreamView> {
  startStream(message: string): void;
  stopStream(): void;
}

/** @param baseUrl of the trading run: `chat-stream` and `chat-stop` are below it */
export function createChatStreamStore(
  baseUrl: string,
  settings: () => ChatStreamSettings,
): ChatStreamStore {
  let answer = EMPTY_PLAIN;
  let stream: AnswerStream | null = null;
  /** Not shown any more, since something else was asked; each is stopped as soon as its run is known. */
  const unstopped = new Set<AnswerStream>();
  let isStopWanted = false;
  /** Given up for now: the page that wakes, or the next mount, goes on. */
  let isPaused = false;
  let error: string | null = null;
  let notify: (() => void) | null = null;
  let view = viewOf(null);

  const store = createFrameStore<ChatStreamView>({
    read() {
      view = keepIfSame(view, viewOf(view));
      return view;
    },
    attach(changed) {
      notify = changed;
      stream?.join();
      changed();
      return () => {
        notify = null;
        stream?.leave();
      };
    },
  });

  function viewOf(shown: ChatStreamView | null): ChatStreamView {
    const isStreaming = stream !== null && !isStopWanted && !isPaused;
    const { content, toolsUsed, runId } = answer;
    return {
      isStreaming,
      streamedContent:
        stream === null ? content : notShorter(shown?.streamedContent ?? '', content),
      toolsUsed,
      error,
      connectionState:
        stream?.state ?? (error === null ? ConnectionState.DISCONNECTED : ConnectionState.ERROR),
      runId,
    };
  }

  function changed(): void {
    notify?.();
  }

  function finish(reason: MillraceError | null): void {
    // What broke off stays as it was seen.
    if (reason !== null || isStopWanted)
      answer = { ...answer, content: viewOf(view).streamedContent };
    error = reason?.message ?? null;
    const over = stream;
    stream = null;
    isStopWanted = false;
    isPaused = false;
    over?.over();
    changed();
    if (reason !== null) callBack(() => settings().onError?.(reason));
  }

  function hear(data: string): void {
    if (stream === null) return;
    let told: PlainTold;
    try {
      told = readPlain(data);
    } catch (thrown) {
      return finish(toMillraceError(thrown));
    }
    answer = foldPlain(answer, told);
    changed();
    if (isStopWanted) return told.type === 'accepted' ? stop() : finish(null);
    if (told.type === 'error') return finish(new MillraceError('server/internal', told.message));
    if (told.type === 'stopped') return finish(null);
    if (told.type === 'done') {
      finish(null);
      const { content } = answer;
      callBack(() => settings().onComplete?.(content));
    }
  }

  function stop(): void {
    const { runId } = answer;
    isStopWanted = true;
    finish(null);
    stopRun(runId);
  }

  function stopRun(runId: string | null): void {
    const { headers, fetch } = settings();
    const request = { url: `${baseUrl}/chat-stop`, body: { runId }, fetch };
    insistJson(headers === undefined ? request : { ...request, headers }).catch(notStopped);
  }

  function notStopped(thrown: unknown): void {
    const reason = toMillraceError(thrown);
    error = `The answer could not be stopped. ${reason.message}`;
    changed();
    callBack(() => settings().onError?.(reason));
  }

  /** What comes first says which run it is. */
  function hearUnstopped(own: AnswerStream, data: string): void {
    forget(own);
    try {
      const told = readPlain(data);
      if (told.type === 'accepted') stopRun(told.runId);
    } catch (thrown) {
      notStopped(thrown);
    }
  }

  /** True for one that was not shown any more. */
  function forget(own: AnswerStream): boolean {
    if (!unstopped.delete(own)) return false;
    own.over();
    return true;
  }

  function start(message: string): void {
    answer = EMPTY_PLAIN;
    error = null;
    isStopWanted = false;
    isPaused = false;
    view = { ...view, streamedContent: '' };
    const own: AnswerStream = createAnswerStream({
      url: `${baseUrl}/chat-stream`,
      body: { message },
      headers: () => settings().headers ?? {},
      fetch: settings().fetch,
      opened() {
        if (own !== stream) return;
        if (isPaused) error = null;
        isPaused = false;
        changed();
      },
      message({ data }) {
        if (own === stream) hear(data);
        else if (unstopped.has(own)) hearUnstopped(own, data);
      },
      ended() {
        if (own !== stream) return void forget(own);
        const isSilent = answer === EMPTY_PLAIN || answer.content === '';
        const text = 'The answer ended without a word. Try again.';
        finish(isSilent ? new MillraceError('link/lost', text) : null);
      },
      failed(reason) {
        // Refused, it has never begun; given up, nobody knows.
        if (own !== stream) {
          if (forget(own) && reason.retryable) notStopped(reason);
          return;
        }
        if (!reason.retryable) return finish(isStopWanted ? null : reason);
        if (isStopWanted) {
          finish(null);
          return notStopped(reason);
        }
        isPaused = true;
        error = reason.message;
        changed();
        callBack(() => settings().onError?.(reason));
      },
      changed,
    });
    stream = own;
    changed();
  }

  return {
    ...store,
    startStream(message) {
      if (viewOf(view).isStreaming) {
        error = 'An answer is being written. Stop it first.';
        const reason = new MillraceError('request/conflict', error);
        changed();
        return callBack(() => settings().onError?.(reason));
      }
      if (stream !== null && isStopWanted) unstopped.add(stream);
      else stream?.over();
      start(message);
    },
    stopStream() {
      if (stream === null || isStopWanted) return;
      if (answer.runId !== null) return stop();
      // Nobody knows its run yet: it is stopped as soon as the server has said which one it is.
      isStopWanted = true;
      changed();
    },
  };
}

function keepIfSame(before: ChatStreamView, after: ChatStreamView): ChatStreamView {
  const isSame = Object.entries(after).every(
    ([name, value]) => Reflect.get(before, name) === value,
  );
  return isSame ? before : after;
}

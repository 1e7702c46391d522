// Spec D1's chat as a store: many answers at a time, each the stream of its own request in OpenAI's format. Owns the
// messages and which streams are under way; refuses to own retries, which the streams' client has.

import { ConnectionState, type SSEMessage } from '@millrace/client';
import { MillraceError, toMillraceError } from '@millrace/protocol';
import { onNextFrame } from '../frame.ts';
import { createFrameStore, type FrameStore } from '../frame-store.ts';
import { type AnswerStream, callBack, createAnswerStream, stateOfAll } from './answer-stream.ts';
import { insistJson } from './json-request.ts';
import {
  EMPTY_ANSWER,
  foldOpenAi,
  notShorter,
  type OpenAiAnswer,
  readOpenAi,
} from './openai-answer.ts';
import { randomId } from './random-id.ts';
import {
  newMessages,
  type OpenAiMessage,
  type StreamingChatView,
  type StreamingMessage,
} from './streaming-chat-view.ts';

export interface StreamingChatSettings {
  readonly apiKey: string | undefined;
  readonly onError: ((error: MillraceError) => void) | undefined;
  /** Where the run of an answer is stopped; null where there is no such place. */
  stopUrl(runId: string): string | null;
  readonly fetch: typeof fetch | undefined;
}

export interface StreamingChatStore extends FrameStore<StreamingChatView> {
  sendMessage(messages: readonly OpenAiMessage[], model?: string): Promise<string>;
  cancelStream(messageId: string): void;
  connect(): void;
}

interface Live {
  readonly stream: AnswerStream;
  answer: OpenAiAnswer;
  /** Nothing has come since the server answered: what comes next may be the beginning again. */
  isFresh: boolean;
  isCancelled: boolean;
}

/** Starts nothing until a message is sent. `settings` is asked when something is done with them. */
export function createStreamingChatStore(
  apiUrl: string,
  settings: () => StreamingChatSettings,
): StreamingChatStore {
  const messages = new Map<string, StreamingMessage>();
  const lives = new Map<string, Live>();
  let error: string | null = null;
  let notify: (() => void) | null = null;
  let view = readView();
  let isStale = false;

  const store = createFrameStore<StreamingChatView>({
    read() {
      if (isStale) view = readView();
      isStale = false;
      return view;
    },
    attach(changed) {
      notify = changed;
      for (const { stream } of lives.values()) stream.join();
      changed();
      return () => {
        notify = null;
        for (const { stream } of lives.values()) stream.leave();
      };
    },
  });

  function changed(): void {
    isStale = true;
    notify?.();
  }

  function readView(): StreamingChatView {
    for (const [id, { answer }] of lives) show(id, answer);
    const states = [...lives.values()].map(({ stream }) => stream.state);
    const idle = error === null ? ConnectionState.DISCONNECTED : ConnectionState.ERROR;
    const connectionState = stateOfAll(states, idle);
    const isConnected = connectionState === ConnectionState.CONNECTED;
    return { messages: new Map(messages), connectionState, isConnected, error };
  }

  function show(id: string, { content, reasoning, model }: OpenAiAnswer): void {
    change(id, (shown) => ({
      content: notShorter(shown.content, content),
      reasoning: notShorter(shown.reasoning, reasoning),
      model: model ?? shown.model,
    }));
  }

  /** The same object where nothing is new. */
  function change(id: string, next: (shown: StreamingMessage) => Partial<StreamingMessage>): void {
    const shown = messages.get(id);
    if (shown === undefined) return;
    const after = { ...shown, ...next(shown) };
    const isNew = Object.entries(after).some(([name, value]) => Reflect.get(shown, name) !== value);
    if (isNew) messages.set(id, after);
  }

  function finish(
    id: string,
    status: 'completed' | 'stopped' | 'failed',
    text: string | null,
  ): void {
    const live = lives.get(id);
    if (live === undefined) return;
    show(id, live.answer);
    const { content, reasoning } = live.answer;
    // What was stopped or broke off stays as it was seen; what has ended is what was told last.
    const told = status === 'completed' ? { content, reasoning } : {};
    change(id, () => ({ ...told, status, isStreaming: false, error: text }));
    lives.delete(id);
    live.stream.over();
    changed();
  }

  function fail(id: string, reason: MillraceError): void {
    error = reason.message;
    finish(id, 'failed', reason.message);
    callBack(() => settings().onError?.(reason));
  }

  function hear(id: string, { data, event }: SSEMessage): void {
    const live = lives.get(id);
    if (live === undefined || live.isCancelled) return;
    try {
      const told = readOpenAi(data);
      if (told.type === 'done') return finish(id, 'completed', null);
      if (told.type === 'error' || event === 'error') {
        const text = told.type === 'error' ? told.message : 'The answer failed. Try again.';
        return fail(id, new MillraceError('server/internal', text));
      }
      // An answer that is joined again is told from its beginning; a server that goes on behind the last id has no role.
      const isAgain = live.isFresh && told.hasRole;
      live.isFresh = false;
      live.answer = foldOpenAi(isAgain ? EMPTY_ANSWER : live.answer, told);
      changed();
    } catch (thrown) {
      fail(id, toMillraceError(thrown));
    }
  }

  function stop(id: string, runId: string | null): void {
    finish(id, 'stopped', null);
    const { apiKey, stopUrl, fetch } = settings();
    const url = runId === null ? null : stopUrl(runId);
    if (url === null) return;
    insistJson({ url, body: {}, headers: authorization(apiKey), fetch }).catch(
      (thrown: unknown) => {
        const reason = toMillraceError(thrown);
        // It is over, or its server knows no stop but the closed stream.
        if (reason.policy === 'stop') return;
        error = `The answer could not be stopped. ${reason.message}`;
        changed();
        callBack(() => settings().onError?.(reason));
      },
    );
  }

  async function sendMessage(given: readonly OpenAiMessage[], model?: string): Promise<string> {
    const timestamp = new Date().toISOString();
    for (const one of newMessages(given, timestamp)) messages.set(one.id, one);
    const id = randomId();
    const empty = { content: '', reasoning: '', error: null, model: null, runId: null } as const;
    const status = { status: 'streaming', isStreaming: true, timestamp } as const;
    messages.set(id, { id, role: 'assistant', ...empty, ...status });
    error = null;
    const { promise, resolve, reject } = withResolvers();
    const stream = createAnswerStream({
      url: apiUrl,
      body: { ...(model === undefined ? {} : { model }), messages: given, stream: true },
      headers: () => authorization(settings().apiKey),
      fetch: settings().fetch,
      opened({ headers }) {
        const live = lives.get(id);
        if (live === undefined) return;
        live.isFresh = true;
        const runId = headers.get('x-generation-id');
        // After it was given up it goes on.
        if (messages.get(id)?.error !== null) error = null;
        change(id, (shown) => ({ runId: runId ?? shown.runId, isStreaming: true, error: null }));
        if (live.isCancelled) stop(id, runId);
        changed();
        // Behind the frame that shows it.
        onNextFrame(resolve);
      },
      message: (message) => hear(id, message),
      ended() {
        const { content, finishReason } = lives.get(id)?.answer ?? EMPTY_ANSWER;
        if (content !== '' || finishReason !== null) return finish(id, 'completed', null);
        const text = 'The answer ended without a word. Try again.';
        const reason = new MillraceError('link/lost', text);
        // A 204 opens nothing.
        reject(reason);
        fail(id, reason);
      },
      failed(reason) {
        const live = lives.get(id);
        if (live === undefined) return;
        // The end was told, only not that it was one.
        if (live.answer.finishReason !== null) return finish(id, 'completed', null);
        reject(reason);
        if (live.isCancelled) finish(id, 'stopped', null);
        else if (!reason.retryable) fail(id, reason);
        else pause(id, reason);
      },
      changed,
    });
    lives.set(id, { stream, answer: EMPTY_ANSWER, isFresh: true, isCancelled: false });
    changed();
    await promise;
    return id;
  }

  /** Given up until the page wakes or somebody calls `connect`. */
  function pause(id: string, reason: MillraceError): void {
    error = reason.message;
    change(id, () => ({ isStreaming: false, error: reason.message }));
    changed();
    callBack(() => settings().onError?.(reason));
  }

  return {
    ...store,
    sendMessage,
    cancelStream(id) {
      const live = lives.get(id);
      if (live === undefined) return;
      const runId = messages.get(id)?.runId ?? live.answer.id?.replace(/^chatcmpl-/, '') ?? null;
      if (live.stream.isAccepted) return stop(id, runId);
      // Nobody knows its run yet: the question is on its way, and is stopped as soon as it has arrived.
      live.isCancelled = true;
      change(id, () => ({ status: 'stopped', isStreaming: false }));
      changed();
    },
    connect() {
      error = null;
      for (const { stream } of lives.values()) stream.join();
      changed();
    },
  };
}

function authorization(apiKey: string | undefined): Readonly<Record<string, string>> {
  return apiKey === undefined || apiKey === '' ? {} : { authorization: `Bearer ${apiKey}` };
}

function withResolvers(): {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: MillraceError) => void;
} {
  let resolve: () => void = () => undefined;
  let reject: (error: MillraceError) => void = () => undefined;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

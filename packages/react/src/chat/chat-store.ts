// A conversation as a store: loads what is stored, follows its channel and those of its runs, sends, stops and asks again.
// Owns what is on its way; what the channels and the server say is folded by chat-runs.ts and shown by chat-view.ts.

import type { Client } from '@millrace/client';
import { type MillraceError, toMillraceError } from '@millrace/protocol';
import { aiRuns, conversations } from '@millrace/protocol/runs';
import type { JsonObject } from '@millrace/protocol/wire';
import { createFrameStore, type FrameStore } from '../frame-store.ts';
import { callBack } from './answer-stream.ts';
import { type ChatMessage, keepEqual, parseHistory } from './chat-message.ts';
import {
  activeOf,
  type ChatRun,
  withConversation,
  withoutStored,
  withSettled,
  withState,
} from './chat-runs.ts';
import {
  type ChatSend,
  type ChatSource,
  type ChatStatus,
  messagesOf,
  type QueuedQuestion,
  queueOf,
  statusOf,
} from './chat-view.ts';
import { insistJson, requestJson } from './json-request.ts';
import { randomId } from './random-id.ts';
import { createReloading } from './reloading.ts';

export interface ChatView {
  /** Oldest first; each answer behind its question. A message that has not changed is the same object. */
  readonly messages: readonly ChatMessage[];
  readonly status: ChatStatus;
  /** What went wrong last, safe to render. */
  readonly error: string | null;
  /** Questions that wait for their turn, the next one first; they stand in `messages` too. */
  readonly queue: readonly QueuedQuestion[];
}

export interface ChatSettings {
  readonly overlap: 'queue' | 'reject' | 'interrupt';
  readonly onError: ((error: MillraceError) => void) | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly fetch: typeof fetch | undefined;
}

type Trouble = 'request' | 'channel' | 'history';

export interface ChatStore extends FrameStore<ChatView> {
  send(text: string): void;
  stop(): void;
  withdraw(runId: string): void;
  retry(): void;
}

/** Starts nothing until the first listener. @param url of the conversation: `messages`, `runs`, `stop` and `retry` are below */
export function createChatStore(
  client: Client,
  conversationId: string,
  url: string,
  settings: () => ChatSettings,
): ChatStore {
  let source: ChatSource = { history: null, runs: [], sends: [], stopping: new Set() };
  /** Of what was asked for last, of the channels, and of what is stored: each is over when the same goes well. */
  const troubles: Record<Trouble, string | null> = { request: null, channel: null, history: null };
  let notify: (() => void) | null = null;
  let shown: { source: ChatSource; view: ChatView } | null = null;
  /** The server has not answered yet: a second click must not be refused, or answered twice. */
  let isRetrying = false;
  const watched = new Map<string, () => void>();

  const history = createReloading({
    load: (signal) => request('messages', { signal }, requestJson).then(parseHistory),
    loaded(messages) {
      const stored = new Set(messages.map(({ id }) => id));
      const sends = source.sends.filter(({ id }) => !stored.has(id));
      const runs = withoutStored(source.runs, stored);
      troubles.history = null;
      change({ history: keepEqual(source.history ?? [], messages), runs, sends });
    },
    failed(reason, isFinal) {
      if (isFinal) change({ history: source.history ?? [] });
      // What is shown already stays right, and another try comes.
      if (isFinal || source.history === null) fail('history', reason);
    },
  });

  const store = createFrameStore<ChatView>({
    read: readView,
    attach(changed) {
      notify = changed;
      const end = watchConversation();
      const unwatch = client.status.subscribe(readStatus);
      readStatus();
      history.ask();
      watchRuns();
      changed();
      return () => {
        notify = null;
        end();
        unwatch();
        history.stop();
        for (const stop of watched.values()) stop();
        watched.clear();
      };
    },
  });

  function readView(): ChatView {
    const error = troubles.request ?? troubles.channel ?? troubles.history;
    if (shown !== null && shown.source === source && shown.view.error === error) return shown.view;
    const before = shown?.view;
    const known = new Map(before?.messages.map((message) => [message.id, message]));
    const messages = keepList(before?.messages, messagesOf(source, known));
    const queue = queueOf(source.runs);
    const isSameQueue =
      before?.queue.length === queue.length &&
      queue.every(({ runId }, at) => before.queue[at]?.runId === runId);
    const view = { messages, status: statusOf(source), error };
    shown = { source, view: { ...view, queue: isSameQueue ? before.queue : queue } };
    return shown.view;
  }

  function change(part: Partial<ChatSource>): void {
    source = { ...source, ...part };
    watchRuns();
    notify?.();
  }

  function fail(what: Trouble, reason: MillraceError): void {
    if (troubles[what] === reason.message) return;
    troubles[what] = reason.message;
    notify?.();
    callBack(() => settings().onError?.(reason));
  }

  /** A client that is closed for good brings nothing any more. */
  function readStatus(): void {
    const status = client.status.getSnapshot();
    if (status.status === 'closed' && status.error !== null) fail('channel', status.error);
  }

  function watchConversation(): () => void {
    const channel = conversations.of({ conversationId });
    return client.subscribe(channel, {
      start: 'start',
      onState(state) {
        const before = source.runs;
        const runs = withConversation(before, state, new Date().toISOString());
        if (runs !== before) change({ runs });
        // Something ended: its message is stored by now, or there is none.
        const isKnown = source.history?.some(({ id }) => id === state.last?.messageId);
        if (state.last !== null && !isKnown) history.ask(state.last.runId);
      },
      onVerdict(verdict) {
        if ('error' in verdict) return fail('channel', verdict.error);
        troubles.channel = null;
        notify?.();
        // What happened in between nobody tells any more.
        if (verdict.verdict === 'gap') history.ask();
      },
    });
  }

  /** Follows each run that is not settled, and no other. */
  function watchRuns(): void {
    if (notify === null) return;
    const going = new Set(
      source.runs.filter(({ isSettled }) => !isSettled).map(({ runId }) => runId),
    );
    for (const [runId, stop] of watched) {
      if (going.has(runId)) continue;
      watched.delete(runId);
      stop();
    }
    for (const runId of going) if (!watched.has(runId)) watched.set(runId, watchRun(runId));
  }

  function watchRun(runId: string): () => void {
    return client.subscribe(aiRuns.of({ runId }), {
      start: 'start',
      onState(state) {
        const runs = withState(source.runs, runId, state);
        change({ runs });
        if (runs.some((run) => run.runId === runId && run.isSettled)) history.ask(runId);
      },
      onVerdict(verdict) {
        // Forgotten by now, or not ours to read: what there is of it is stored.
        if ('error' in verdict) change({ runs: withSettled(source.runs, runId) });
      },
    });
  }

  function request(
    what: 'messages' | 'runs' | 'stop' | 'retry',
    more: { readonly body?: JsonObject; readonly signal?: AbortSignal },
    how: typeof requestJson,
  ): Promise<JsonObject> {
    const { headers, fetch } = settings();
    const address = `${url}/${what}`;
    return how({ ...more, url: address, fetch, ...(headers === undefined ? {} : { headers }) });
  }

  /** The server has taken it: from here on its channels tell. */
  function accepted(
    answer: JsonObject,
    of: Pick<ChatRun, 'questionId' | 'question' | 'replaces'>,
  ): void {
    const { runId, messageId } = answer;
    if (typeof runId !== 'string' || typeof messageId !== 'string') return;
    const sends = source.sends.filter(({ id }) => id !== of.questionId);
    const known = source.runs.find((run) => run.runId === runId);
    const createdAt = new Date().toISOString();
    const rest = { createdAt, status: 'queued', state: null, isSettled: false } as const;
    // Where the channel was first: its question stands under its own id.
    const runs =
      known === undefined ? [...source.runs, { runId, messageId, ...of, ...rest }] : source.runs;
    change({ sends, runs });
    if (source.stopping.has(of.questionId)) stopRun(runId);
  }

  function post(send: ChatSend): void {
    const { id, text } = send;
    troubles.request = null;
    const others = source.sends.filter((one) => one.id !== id);
    change({ sends: [...others, { ...send, error: null }] });
    const body = { text, key: id, messageId: id, overlap: settings().overlap };
    request('runs', { body }, insistJson)
      .then((answer) => accepted(answer, { questionId: id, question: text, replaces: [] }))
      .catch((thrown: unknown) => {
        const reason = toMillraceError(thrown);
        const failed = { ...send, error: reason.message };
        change({
          sends: source.sends.map((one) => (one.id === id ? failed : one)),
          stopping: without(source.stopping, id),
        });
        fail('request', reason);
      });
  }

  function stop(): void {
    const run = activeOf(source.runs);
    if (run !== null) return stopRun(run.runId);
    const sending = source.sends.find((send) => send.error === null);
    if (sending !== undefined) change({ stopping: new Set([...source.stopping, sending.id]) });
  }

  function stopRun(runId: string): void {
    if (source.stopping.has(runId)) return;
    troubles.request = null;
    change({ stopping: new Set([...source.stopping, runId]) });
    request('stop', { body: { runId } }, insistJson).catch((thrown: unknown) => {
      change({ stopping: without(source.stopping, runId) });
      fail('request', toMillraceError(thrown));
    });
  }

  function retry(): void {
    const unsent = source.sends.findLast((send) => send.error !== null);
    if (unsent !== undefined) return post(unsent);
    if (isRetrying) return;
    const messages = readView().messages;
    const last = messages.findLast(({ runId }) => runId !== null);
    if (last === undefined || last.runId === null || activeOf(source.runs) !== null) return;
    const { runId } = last;
    const question = messages.findLast((one) => one.role === 'user' && one.runId !== null);
    const known = source.runs.find((run) => run.runId === runId);
    troubles.request = null;
    isRetrying = true;
    notify?.();
    request('retry', { body: { runId, key: randomId() } }, insistJson)
      .then((answer) =>
        accepted(answer, {
          questionId: known?.questionId ?? question?.id ?? runId,
          question: known?.question ?? question?.text ?? '',
          replaces: [runId],
        }),
      )
      .catch((thrown: unknown) => fail('request', toMillraceError(thrown)))
      .finally(() => {
        isRetrying = false;
      });
  }

  return {
    ...store,
    send(text) {
      if (text.trim() === '') return;
      post({ id: randomId(), text, createdAt: new Date().toISOString(), error: null });
    },
    stop,
    withdraw: stopRun,
    retry,
  };
}

function without(ids: ReadonlySet<string>, id: string): ReadonlySet<string> {
  return new Set([...ids].filter((one) => one !== id));
}

function keepList(
  before: readonly ChatMessage[] | undefined,
  after: readonly ChatMessage[],
): readonly ChatMessage[] {
  const isSame = before?.length === after.length && after.every((one, at) => one === before[at]);
  return before !== undefined && isSame ? before : after;
}

// A run in a format that a page reads without any library: one JSON object for each thing that happened, told apart by
// `type`. Pure. Also the id of its blocks, by which a native EventSource comes back. Rules: RUN-11, PLAINRUN-1 …
// PLAINRUN-4.

import { type Cursor, encodeCursor, parseCursor, toMillraceError } from '@millrace/protocol';
import {
  type Json,
  type RunEvent,
  type RunPart,
  type RunState,
  type RunWrite,
  type ToolPart,
  textOfRun,
} from '@millrace/protocol/runs';

/**
 * `accepted` comes first. `reset`: what was told is void (a step began anew, or what is missing can't be told); `content`
 * stands in place of the text, and the calls that stand are told again behind it. `done` has the whole answer.
 */
export type PlainEvent =
  | { readonly type: 'accepted'; readonly runId: string; readonly messageId: string }
  | { readonly type: 'token'; readonly content: string }
  | {
      readonly type: 'tool';
      readonly tool: string;
      readonly callId: string;
      readonly status: 'called' | 'done' | 'failed';
      readonly input?: Json;
      readonly output?: Json;
      readonly error?: string;
    }
  | { readonly type: 'reset'; readonly content: string }
  | { readonly type: 'done'; readonly messageId: string; readonly content: string }
  | { readonly type: 'stopped'; readonly by: string }
  | { readonly type: 'error'; readonly message: string; readonly code: string };

export function toPlainEvents(
  before: RunState,
  event: RunEvent | RunWrite,
  runId: string,
): readonly PlainEvent[] {
  switch (event.type) {
    case 'run-accepted':
    case 'run-start':
    case 'run-resumed':
      // Whichever comes first.
      if (before.messageId !== '') return [];
      return [{ type: 'accepted', runId, messageId: event.data.messageId }];
    case 'text-delta':
      return [{ type: 'token', content: event.data.text }];
    case 'tool-call': {
      const { name: tool, callId, input } = event.data;
      return [{ type: 'tool', tool, callId, status: 'called', input }];
    }
    case 'tool-result': {
      const part = before.parts[event.data.part];
      if (part?.type !== 'tool') return [];
      return toolOf({ ...part, status: 'done', output: event.data.output });
    }
    case 'tool-error': {
      const { part: at, name, callId, error } = event.data;
      const part = before.parts[at];
      if (part?.type === 'tool') return toolOf({ ...part, status: 'failed', error });
      return [{ type: 'tool', tool: name, callId, status: 'failed', error }];
    }
    case 'step-reset': {
      const stands = before.parts.slice(0, event.data.part + 1);
      if (!before.parts.slice(stands.length).some(isTold)) return [];
      return resetTo(stands);
    }
    case 'run-end':
      return endOf(before, event.data);
    default:
      return [];
  }
}

export interface Missed {
  /** Told first. A reader may get them twice: a tool by its call, what follows a `reset` with that. */
  readonly repeatable: readonly PlainEvent[];
  /** Everything of the text, as one: told once. Null for nothing. */
  readonly text: PlainEvent | null;
  /** Null while it goes on. */
  readonly end: PlainEvent | null;
}

/**
 * What a reader is told that comes to `state`, having had all but these events; null where nobody knows them any more.
 * Then, and where a step began anew among them, the text is told again, as `reset`.
 */
export function missedOf(events: readonly (RunEvent | RunWrite)[] | null, state: RunState): Missed {
  const end = endOfState(state);
  const isExact = events?.every(({ type }) => type !== 'step-reset') === true;
  if (!isExact) {
    return { repeatable: resetTo(state.parts), text: null, end };
  }
  const changed = new Set<number>();
  let content = '';
  for (const event of events) {
    if (event.type === 'text-delta') content += event.data.text;
    else if (isOfTool(event)) changed.add(event.data.part);
  }
  const parts = [...changed].flatMap((part) => state.parts[part] ?? []);
  return {
    repeatable: toolsOf(parts),
    text: content === '' ? null : { type: 'token', content },
    end,
  };
}

function resetTo(parts: readonly RunPart[]): readonly PlainEvent[] {
  return [{ type: 'reset', content: textOfRun({ parts }) }, ...toolsOf(parts)];
}

/** For a reader that has had nothing. */
export function wholeOf(state: RunState, runId: string): Missed {
  const { messageId, parts } = state;
  const content = textOfRun(state);
  return {
    repeatable: [
      ...(messageId === '' ? [] : [{ type: 'accepted', runId, messageId } as const]),
      ...toolsOf(parts),
    ],
    text: content === '' ? null : { type: 'token', content },
    end: endOfState(state),
  };
}

type EndData = Extract<RunWrite, { readonly type: 'run-end' }>['data'];

function endOfState(state: RunState): PlainEvent | null {
  const { status, error } = state;
  switch (status) {
    case 'completed':
    case 'stopped':
    case 'failed':
    case 'interrupted':
      return endOf(state, { status, error })[0];
    default:
      return null;
  }
}

function endOf(
  { messageId, stoppedBy, parts }: RunState,
  { status, error }: Pick<EndData, 'status' | 'error'>,
): readonly [PlainEvent] {
  switch (status) {
    case 'completed':
      return [{ type: 'done', messageId, content: textOfRun({ parts }) }];
    case 'stopped':
      return [{ type: 'stopped', by: stoppedBy ?? '' }];
    case 'failed':
    case 'interrupted':
      return [
        { type: 'error', message: error ?? 'Something went wrong. Try again.', code: status },
      ];
  }
}

function isOfTool(
  event: RunEvent | RunWrite,
): event is Extract<typeof event, { readonly type: 'tool-call' | 'tool-result' | 'tool-error' }> {
  return event.type === 'tool-call' || event.type === 'tool-result' || event.type === 'tool-error';
}

function isTold(part: RunPart): boolean {
  return (
    (part.type === 'text' && part.text !== '') || (part.type === 'tool' && toolOf(part).length > 0)
  );
}

function toolsOf(parts: readonly RunPart[]): readonly PlainEvent[] {
  return parts.flatMap((part) => (part.type === 'tool' ? toolOf(part) : []));
}

function toolOf({
  name: tool,
  callId,
  status,
  input,
  output,
  error,
}: ToolPart): readonly PlainEvent[] {
  const call = { type: 'tool', tool, callId } as const;
  switch (status) {
    case 'writing':
      return [];
    case 'called':
      return [{ ...call, status, input }];
    case 'done':
      return [{ ...call, status, input, output }];
    case 'failed':
    case 'refused':
      return [{ ...call, status: 'failed', input, error: error ?? '' }];
  }
}

export interface PlainEventId {
  readonly runId: string;
  /** Null for one that has had nothing. */
  readonly cursor: Cursor | null;
}

export function encodePlainEventId({ runId, cursor }: PlainEventId): string {
  return `${encodeURIComponent(runId)}~${cursor === null ? '' : encodeCursor(cursor)}`;
}

/**
 * What a `Last-Event-ID` of `servePlainRun` says: a request that has one reads that run, and never starts one. Null for
 * anything else.
 */
export function readPlainEventId(
  text: string | readonly string[] | undefined,
): PlainEventId | null {
  if (typeof text !== 'string' || text.length > 1_000) return null;
  const at = text.lastIndexOf('~');
  if (at < 1) return null;
  const rest = text.slice(at + 1);
  try {
    const runId = decodeURIComponent(text.slice(0, at));
    return { runId, cursor: rest === '' ? null : parseCursor(rest) };
  } catch (thrown) {
    const { code, cause } = toMillraceError(thrown);
    // Anybody may send anything: no id of ours is no failure.
    if (code === 'cursor/malformed' || cause instanceof URIError) return null;
    throw thrown;
  }
}

// What a run is at one place of its channel: the message that it writes, part by part, and how far it is. Folded from
// the channel's events by fold-run.ts; the same on the server, in the database and in a page.

/** Any JSON. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json };

/**
 * `queued` waits for its turn · `running` · `stopping` was asked to stop · `completed` · `stopped` by somebody ·
 * `failed` · `interrupted`: whoever made it died, and it could not go on. The last four are final.
 */
export type RunStatus =
  | 'queued'
  | 'running'
  | 'stopping'
  | 'completed'
  | 'stopped'
  | 'failed'
  | 'interrupted';

export type FinalStatus = 'completed' | 'stopped' | 'failed' | 'interrupted';

/** Why the model ended: the AI SDK's words. */
export type FinishReason = 'stop' | 'length' | 'content-filter' | 'tool-calls' | 'error' | 'other';

/** Tokens. */
export interface RunUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Whether somebody counted who does not send the bill: the provider's figures never came. */
  readonly isEstimated: boolean;
}

/** Where the model began anew, after tools had answered; the first part of every step. */
export interface StepPart {
  readonly type: 'step';
  /** Null while it is under way. */
  readonly finishReason: FinishReason | null;
}

/** What a provider wants back with a part (a signature of its reasoning, say); null for nothing. Nobody else reads it. */
export type ProviderNote = Json;

export interface TextPart {
  readonly type: 'text' | 'reasoning';
  readonly text: string;
  readonly isDone: boolean;
  readonly provider: ProviderNote;
}

/**
 * `writing`: the model writes the input · `called`: the input stands, the tool is at work · `done` · `failed` ·
 * `refused`: never called, since nobody has the tool or its input was no good.
 */
export interface ToolPart {
  readonly type: 'tool';
  readonly callId: string;
  readonly name: string;
  readonly status: 'writing' | 'called' | 'done' | 'failed' | 'refused';
  /** The input as the model wrote it, so far. */
  readonly inputText: string;
  /** Null until it is `called`. */
  readonly input: Json;
  /** Null until there is one; one that comes while it is still `called` is preliminary. */
  readonly output: Json;
  /** Of a failed or refused one, safe to show. */
  readonly error: string | null;
  /** Whether the provider runs it, and not we. */
  readonly isRemote: boolean;
  readonly provider: ProviderNote;
}

/** A page (then it has a `url`) or a document (then a `mediaType`) that the answer rests on. */
export interface SourcePart {
  readonly type: 'source';
  readonly id: string;
  readonly url: string | null;
  readonly mediaType: string | null;
  readonly title: string | null;
}

export interface FilePart {
  readonly type: 'file';
  /** Also a `data:` URL. */
  readonly url: string;
  readonly mediaType: string;
}

/** Something of the application's own; one with the same name and id takes the place of the one before. */
export interface DataPart {
  readonly type: 'data';
  readonly name: string;
  readonly id: string;
  readonly value: Json;
}

export type RunPart = StepPart | TextPart | ToolPart | SourcePart | FilePart | DataPart;

export interface RunState {
  /** Null before the first event. */
  readonly status: RunStatus | null;
  readonly conversationId: string;
  /** The id of the message that is written: made with the run, and never another. */
  readonly messageId: string;
  /** What really answers, as its provider calls it; null until it begins. */
  readonly model: string | null;
  /** How often somebody took the run: 1 for the first, more where its maker died. */
  readonly attempt: number;
  readonly parts: readonly RunPart[];
  /** Who asked it to stop; null if nobody did. */
  readonly stoppedBy: string | null;
  readonly finishReason: FinishReason | null;
  /** Of all steps that ended, and of what was lost. */
  readonly usage: RunUsage;
  /** Of a failed or interrupted one, safe to show. */
  readonly error: string | null;
}

export const EMPTY_RUN: RunState = {
  status: null,
  conversationId: '',
  messageId: '',
  model: null,
  attempt: 0,
  parts: [],
  stoppedBy: null,
  finishReason: null,
  usage: { inputTokens: 0, outputTokens: 0, isEstimated: false },
  error: null,
};

export function isFinalStatus(status: RunStatus | null): status is FinalStatus {
  return (
    status === 'completed' ||
    status === 'stopped' ||
    status === 'failed' ||
    status === 'interrupted'
  );
}

/** The text of the answer: all text parts, one after the other. */
export function textOfRun({ parts }: Pick<RunState, 'parts'>): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

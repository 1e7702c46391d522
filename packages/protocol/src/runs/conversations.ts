// The channel of a conversation: which runs answer it, from each one's acceptance to its end. What they say is in their
// own channels (ai-runs.ts). The fold is total: what does not fit changes nothing. Rules: RUN-13.

import { json, nullable, oneOf, shape, text } from '../channels/shape.ts';
import { type Contract, defineChannel, type EventOf } from '../contract.ts';
import type { StandardSchema } from '../standard-schema.ts';
import type { FinalStatus, Json } from './run-state.ts';

interface OfRun {
  readonly runId: string;
}

interface OfMessage extends OfRun {
  /** The message that the run writes. */
  readonly messageId: string;
}

export interface ConversationEventData {
  readonly 'run-accepted': OfMessage & {
    readonly userId: string;
    /** In the application's own form; `{omitted: "too large", bytes}` in place of one over 40,000 bytes. */
    readonly question: Json;
    /** The run in whose message's place this one's comes; null for a new question. */
    readonly retryOf: string | null;
  };
  readonly 'run-started': OfRun;
  readonly 'run-ended': OfMessage & { readonly status: FinalStatus };
}

export type ConversationEventSchemas = {
  readonly [Name in keyof ConversationEventData]: StandardSchema<ConversationEventData[Name]>;
};

export type ConversationEvent = EventOf<ConversationEventSchemas>;

/** A run that is not over. */
export interface ConversationRun extends OfMessage {
  readonly userId: string;
  readonly question: Json;
  readonly retryOf: string | null;
  readonly status: 'queued' | 'running';
}

export interface ConversationState {
  /** In the order of their acceptance: the first that runs is the one at work. */
  readonly runs: readonly ConversationRun[];
  /** The one that ended last. */
  readonly last: (OfMessage & { readonly status: FinalStatus }) | null;
}

export const EMPTY_CONVERSATION: ConversationState = { runs: [], last: null };

export function foldConversation(
  state: ConversationState,
  event: ConversationEvent,
): ConversationState {
  const { runs, last } = state;
  const { runId } = event.data;
  const known = runs.find((run) => run.runId === runId);
  switch (event.type) {
    case 'run-accepted': {
      if (known !== undefined || last?.runId === runId) return state;
      const { messageId, userId, question, retryOf } = event.data;
      const run = { runId, messageId, userId, question, retryOf, status: 'queued' } as const;
      return { ...state, runs: [...runs, run] };
    }
    case 'run-started': {
      if (known?.status !== 'queued') return state;
      const started = { ...known, status: 'running' } as const;
      return { ...state, runs: runs.map((run) => (run === known ? started : run)) };
    }
    case 'run-ended': {
      const { messageId, status } = event.data;
      if (last?.runId === runId) return state;
      return {
        runs: runs.filter((run) => run !== known),
        last: { runId, messageId, status },
      };
    }
  }
}

const id = text(200);
const ofMessage = { runId: id, messageId: id };

/**
 * The channel `conversation:<conversationId>`, for all who look at it: that another device has asked, that the answer
 * begins, and that it stands in the database. It never ends; whoever deletes a conversation forgets it.
 */
export const conversations: Contract<
  'conversationId',
  ConversationEventSchemas,
  ConversationState
> = defineChannel({
  type: 'conversation',
  params: ['conversationId'],
  events: {
    'run-accepted': shape({
      ...ofMessage,
      userId: id,
      question: json<Json>(),
      retryOf: nullable(id),
    }),
    'run-started': shape({ runId: id }),
    'run-ended': shape({
      ...ofMessage,
      status: oneOf(['completed', 'stopped', 'failed', 'interrupted']),
    }),
  },
  state: { initial: EMPTY_CONVERSATION, reduce: foldConversation },
  history: { size: 200, maxAgeMs: 24 * 60 * 60 * 1_000 },
});

// The fold of a conversation, by example and by property.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toOffset } from '../offset.ts';
import { checkSchema, type StandardSchema } from '../standard-schema.ts';
import {
  type ConversationEvent,
  type ConversationState,
  conversations,
  EMPTY_CONVERSATION,
  foldConversation,
} from './conversations.ts';

const place = { offset: toOffset(1), at: '' };
const status = fc.constantFrom('completed', 'stopped', 'failed', 'interrupted');

function accepted(runId: string): ConversationEvent {
  const data = { runId, messageId: `m-${runId}`, userId: 'ada', question: 'Why?', retryOf: null };
  return { ...place, type: 'run-accepted', data };
}

function started(runId: string): ConversationEvent {
  return { ...place, type: 'run-started', data: { runId } };
}

function ended(
  runId: string,
  as: NonNullable<ConversationState['last']>['status'],
): ConversationEvent {
  return { ...place, type: 'run-ended', data: { runId, messageId: `m-${runId}`, status: as } };
}

function fold(events: readonly ConversationEvent[], from = EMPTY_CONVERSATION): ConversationState {
  return events.reduce(foldConversation, from);
}

/** Of any run, at any place. */
const anyEvent: fc.Arbitrary<ConversationEvent> = fc
  .tuple(fc.constantFrom('accepted', 'started', 'ended'), fc.constantFrom('a', 'b', 'c'), status)
  .map(([kind, runId, as]) => {
    if (kind === 'accepted') return accepted(runId);
    return kind === 'started' ? started(runId) : ended(runId, as);
  });

describe('a conversation', () => {
  test('RUN-13: has the runs that are not over in their order, and the one that ended last', () => {
    const before = [accepted('a'), started('a'), accepted('b'), accepted('c')];
    expect(fold(before).runs.map(({ runId, status: is }) => [runId, is])).toEqual([
      ['a', 'running'],
      ['b', 'queued'],
      ['c', 'queued'],
    ]);
    const after = fold([ended('b', 'stopped'), ended('a', 'completed')], fold(before));
    expect(after.runs.map(({ runId }) => runId)).toEqual(['c']);
    expect(after.last).toEqual({ runId: 'a', messageId: 'm-a', status: 'completed' });
  });

  test('RUN-13: at every cut, a stored state and the rest make what all of it makes', () => {
    fc.assert(
      fc.property(fc.array(anyEvent), fc.nat(), (events, at) => {
        const cut = at % (events.length + 1);
        const stored: ConversationState = JSON.parse(JSON.stringify(fold(events.slice(0, cut))));
        expect(fold(events.slice(cut), stored)).toEqual(fold(events));
      }),
    );
  });

  test('RUN-13: whatever comes in whatever order, a run stands in it once, and what ended last does not', () => {
    fc.assert(
      fc.property(fc.array(anyEvent), (events) => {
        let state = EMPTY_CONVERSATION;
        for (const event of events) {
          state = foldConversation(Object.freeze(state), event);
          const ids = state.runs.map(({ runId }) => runId);
          expect(new Set(ids).size).toBe(ids.length);
          const isOver = event.type === 'run-ended';
          expect(isOver && ids.includes(event.data.runId)).toBe(false);
          expect(foldConversation(state, event)).toBe(state);
        }
      }),
    );
  });

  test('RUN-13: each event fits its schema; the channel is named by the conversation', () => {
    fc.assert(
      fc.property(anyEvent, ({ type, data }) => {
        expect(checkSchema<StandardSchema>(conversations.events[type], data)).toMatchObject({
          value: data,
        });
      }),
    );
    expect(conversations.of({ conversationId: 'c 1' }).name).toBe('conversation:c%201');
    expect(conversations.state?.reduce).toBe(foldConversation);
  });
});

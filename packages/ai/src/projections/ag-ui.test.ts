// AG-UI events: nothing stays open, and late readers are told the same message. The official client reads them in
// tests/runs.

import {
  EMPTY_RUN,
  foldRun,
  type RunState,
  type RunWrite,
  replayRun,
} from '@millrace/protocol/runs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runOfNumbers } from '../testing/run-of-numbers.ts';
import { type AgUiEvent, toAgUiEvents } from './ag-ui.ts';
import { readAgUiInput } from './ag-ui-input.ts';

const ids = { conversationId: 'c', messageId: 'm' };
const options = { threadId: 't', clientRunId: 'r', version: 1 } as const;
const usage = { inputTokens: 0, outputTokens: 0, isEstimated: false };
const run = fc.array(fc.nat(999), { maxLength: 80 }).map(runOfNumbers);

const begun: readonly RunWrite[] = [
  { type: 'run-accepted', data: ids },
  { type: 'run-start', data: { ...ids, model: 'any' } },
  { type: 'step-start', data: { part: 0 } },
  { type: 'text-start', data: { part: 1 } },
  { type: 'text-delta', data: { part: 1, text: 'It made 99' } },
];

function tell(events: readonly RunWrite[], from: RunState = EMPTY_RUN, version: 0 | 1 = 1) {
  let state = from;
  let isCut = false;
  const told: AgUiEvent[] = [];
  for (const event of events) {
    const next = toAgUiEvents(state, event, { ...options, version });
    state = foldRun(state, event);
    if (next === 'again') isCut = true;
    else if (!isCut) told.push(...next);
  }
  return { told, state, isCut };
}

/** What a reader has: the text of each message, each call's input and result. */
function readOf(told: readonly AgUiEvent[]) {
  const parts = new Map<string, string>();
  const add = (key: string, text: string) => parts.set(key, (parts.get(key) ?? '') + text);
  for (const one of told) {
    if ('delta' in one) add('messageId' in one ? one.messageId : one.toolCallId, one.delta);
    else if (one.type === 'TOOL_CALL_RESULT') add(`${one.toolCallId} result`, one.content);
    else if (one.type === 'TOOL_CALL_START') add(`${one.toolCallId} of ${one.parentMessageId}`, '');
    else if (one.type === 'CUSTOM') add(one.name, JSON.stringify(one.value));
  }
  return Object.fromEntries(parts);
}

describe('AG-UI events', () => {
  test('AGUI-1, AGUI-2: they begin with RUN_STARTED, close all that they open, and are the same message for who comes late', () => {
    fc.assert(
      fc.property(run, fc.nat(), (events, place) => {
        const { told, isCut } = tell(events);
        if (isCut) return;
        const cut = place % (events.length + 1);
        const before = events.slice(0, cut).reduce((s, e) => foldRun(s, e), EMPTY_RUN);
        const late = [...tell(replayRun(before)).told, ...tell(events.slice(cut), before).told];
        for (const all of [told, late]) {
          expect(all[0]).toEqual({ type: 'RUN_STARTED', threadId: 't', runId: 'r' });
          expect(all.at(-1)?.type).toMatch(/^RUN_(FINISHED|ERROR)$/);
          const count = (pattern: RegExp) => all.filter(({ type }) => pattern.test(type)).length;
          expect(count(/_STARTED$|_START$/)).toBe(count(/_FINISHED$|_END$|^RUN_ERROR$/));
        }
        expect(readOf(late)).toEqual(readOf(told));
      }),
    );
  });

  test('AGUI-1: whatever is open is closed before the end, inside first', () => {
    const end: RunWrite = {
      type: 'run-end',
      data: { status: 'stopped', finishReason: null, error: null, ...usage },
    };
    const call = { part: 2, callId: 'a', name: 'look', isRemote: false };
    const { told } = tell([...begun, { type: 'tool-start', data: call }, end]);
    expect(told.slice(-4)).toEqual([
      { type: 'TEXT_MESSAGE_END', messageId: 'm' },
      { type: 'TOOL_CALL_END', toolCallId: 'a' },
      { type: 'STEP_FINISHED', stepName: 'step-1' },
      { type: 'RUN_FINISHED', threadId: 't', runId: 'r', outcome: { type: 'cancelled' } },
    ]);
    const old = tell([...begun, end], EMPTY_RUN, 0).told;
    expect(old.at(-1)).toMatchObject({ type: 'RUN_ERROR', code: 'STOPPED' });
  });

  test('AGUI-2: who comes late is told as much as the message has parts', () => {
    const more = Array.from(
      { length: 5_000 },
      (): RunWrite => ({
        type: 'text-delta',
        data: { part: 1, text: 'word ' },
      }),
    );
    const { state } = tell([...begun, ...more]);
    expect(tell(replayRun(state)).told).toHaveLength(4);
  });

  test('AGUI-3: a step that begins anew after something was told cuts the stream off', () => {
    const again: readonly RunWrite[] = [
      { type: 'run-resumed', data: { ...ids, attempt: 2, model: 'any' } },
      { type: 'step-reset', data: { part: 0 } },
    ];
    expect(tell([...begun.slice(0, 3), ...again]).isCut).toBe(false);
    expect(tell([...begun, ...again]).isCut).toBe(true);
  });

  test('AGUI-3: with the messages that the client posted it is told what stands of all', () => {
    const asked = { id: 'u', role: 'user', content: 'Why?' } as const;
    const state = [...begun].reduce((s, e) => foldRun(s, e), EMPTY_RUN);
    const reset: RunWrite = { type: 'step-reset', data: { part: 0 } };
    expect(toAgUiEvents(state, reset, { ...options, messages: [asked] })).toEqual([
      { type: 'TEXT_MESSAGE_END', messageId: 'm' },
      { type: 'MESSAGES_SNAPSHOT', messages: [asked] },
    ]);
  });
});

describe('an AG-UI input', () => {
  const input = {
    threadId: 't',
    runId: 'r',
    messages: [
      { id: '1', role: 'system', content: 'Be brief.', metadata: { secret: 1 } },
      { id: '2', role: 'user', content: [{ type: 'text', text: 'Why?' }] },
      {
        ...{ id: '3', role: 'assistant' },
        toolCalls: [{ id: 'a', type: 'function', function: { name: 'look', arguments: '{}' } }],
      },
      { id: '4', role: 'tool', toolCallId: 'a', content: '23' },
    ],
    tools: [{ name: 'look', description: 'Looks.', parameters: { type: 'object' } }],
    context: [{ description: 'page', value: 'run 5' }],
    state: { a: 1 },
  };

  test('AGUI-4: it has what the format has, and nothing besides', () => {
    const read = readAgUiInput({ ...input, forwardedProps: { model: 'costly' }, resume: [] });
    const [first, ...others] = input.messages;
    const { metadata: _, ...bare } = first as Record<string, unknown>;
    expect(read).toEqual({ ...input, messages: [bare, ...others] });
    expect(readAgUiInput({ threadId: 't', runId: 'r', messages: [] })).toEqual({
      ...{ threadId: 't', runId: 'r', messages: [], tools: [], context: [], state: null },
    });
  });

  test.each([
    [null, 'the body must be an object'],
    [{ ...input, threadId: '' }, 'threadId must be a text of 1 to 200'],
    [{ ...input, messages: {} }, 'messages must be a list'],
    [{ ...input, messages: [{ id: '1', role: 'judge' }] }, 'messages[0].role must be one of'],
    [{ ...input, messages: [{ id: '1', role: 'user' }] }, 'messages[0].content must be a list'],
    [{ ...input, tools: [{ name: 'look' }] }, 'tools[0].description must be a text'],
    [{ ...input, context: ['page'] }, 'context[0] must be an object'],
    [
      { ...input, messages: [{ id: '1', role: 'user', content: [{ type: 'image', source: {} }] }] },
      'messages[0].content[0].source.value must be a text',
    ],
  ])('AGUI-4: what is none is refused, with the field that is wrong (%#)', (body, words) => {
    expect(() => readAgUiInput(body)).toThrow(
      expect.objectContaining({
        code: 'request/invalid',
        message: expect.stringContaining(words) as string,
      }),
    );
  });
});

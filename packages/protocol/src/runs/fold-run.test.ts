// The fold of a run: by example, and by property for every cut and every order.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toOffset } from '../offset.ts';
import { checkSchema, type StandardSchema } from '../standard-schema.ts';
import { aiRuns } from './ai-runs.ts';
import { foldRun, type RunEvent } from './fold-run.ts';
import { replayRun } from './replay-run.ts';
import { type RunEventData, runEvents } from './run-events.ts';
import {
  EMPTY_RUN,
  type FinalStatus,
  isFinalStatus,
  type Json,
  type RunState,
  textOfRun,
} from './run-state.ts';

/** An event before it has a place. */
type Bare = {
  readonly [Name in keyof RunEventData]: {
    readonly type: Name;
    readonly data: RunEventData[Name];
  };
}[keyof RunEventData];

function numbered(events: readonly Bare[]): readonly RunEvent[] {
  return events.map((event, index) => ({
    ...event,
    offset: toOffset(index + 1),
    at: '2026-01-02T03:04:05.000Z',
  }));
}

const ids = { conversationId: 'c1', messageId: 'm1' };
const anyIds = { conversationId: 'c', messageId: 'm' };
const word = fc.string({ minLength: 1, maxLength: 8 });
const words = fc.string({ maxLength: 12, unit: 'grapheme' });
const json = fc
  .jsonValue({ maxDepth: 2 })
  .map((value) => JSON.parse(JSON.stringify(value)) as Json);
const usage = fc.record({
  inputTokens: fc.nat(1_000),
  outputTokens: fc.nat(1_000),
  isEstimated: fc.boolean(),
});
const finishReason = fc.constantFrom('stop', 'length', 'tool-calls', 'error', 'other');

/** What an owner writes into one part. */
type Written = (part: number) => readonly Bare[];

const text = fc
  .record({
    kind: fc.constantFrom('text', 'reasoning'),
    deltas: fc.array(words, { maxLength: 5 }),
    provider: json,
  })
  .map(
    ({ kind, deltas, provider }): Written =>
      (part) => [
        { type: `${kind}-start`, data: { part } },
        ...deltas.map((delta): Bare => ({ type: `${kind}-delta`, data: { part, text: delta } })),
        { type: `${kind}-end`, data: { part, provider } },
      ],
  );

const tool = fc
  .record({
    callId: word,
    name: word,
    input: json,
    outputs: fc.array(json, { maxLength: 2 }),
    error: fc.option(words),
    isWritten: fc.boolean(),
    isRemote: fc.boolean(),
    provider: json,
  })
  .map(
    ({ callId, name, input, outputs, error, isWritten, isRemote, provider }): Written =>
      (part) => {
        const at = { part, callId, name, isRemote };
        const inputText = JSON.stringify(input);
        return [
          ...(isWritten
            ? ([
                { type: 'tool-start', data: at },
                { type: 'tool-delta', data: { part, text: inputText.slice(0, 3) } },
                { type: 'tool-delta', data: { part, text: inputText.slice(3) } },
              ] as const)
            : []),
          { type: 'tool-call', data: { ...at, input, provider } },
          ...outputs.map((output): Bare => ({ type: 'tool-output', data: { part, output } })),
          error === null
            ? { type: 'tool-result', data: { part, output: input } }
            : { type: 'tool-error', data: { ...at, error } },
        ];
      },
  );

const other = fc.oneof(
  fc
    .record({
      id: word,
      url: fc.option(word),
      mediaType: fc.option(word),
      title: fc.option(words),
    })
    .map(
      (data): Written =>
        (part) => [{ type: 'source', data: { part, ...data } }],
    ),
  fc.record({ url: word, mediaType: word }).map(
    (data): Written =>
      (part) => [{ type: 'file', data: { part, ...data } }],
  ),
  fc.record({ name: word, id: words, value: json }).map(
    (data): Written =>
      (part) => [{ type: 'data', data: { part, ...data } }],
  ),
);

const step = fc.record({
  parts: fc.array(fc.oneof(text, tool, other), { maxLength: 4 }),
  usage,
  finishReason,
  /** So much of it was written by an owner that died then; null: nobody did. */
  diedAfter: fc.option(fc.nat(10)),
});

/** From the acceptance to the end. */
const wholeRun: fc.Arbitrary<readonly RunEvent[]> = fc
  .record({
    steps: fc.array(step, { maxLength: 4 }),
    stoppingAt: fc.option(fc.nat(40)),
    status: fc.constantFrom('completed', 'stopped', 'failed', 'interrupted'),
    usage,
  })
  .map(({ steps, stoppingAt, status, usage: sum }) => {
    const events: Bare[] = [
      { type: 'run-accepted', data: anyIds },
      { type: 'run-start', data: { ...anyIds, model: 'any' } },
    ];
    let at = 0;
    let attempt = 1;
    for (const { parts, finishReason: reason, usage: tokens, diedAfter } of steps) {
      const part = at;
      const written = parts.flatMap((write, index) => write(part + 1 + index));
      events.push({ type: 'step-start', data: { part } });
      if (diedAfter !== null) {
        attempt += 1;
        events.push(
          ...written.slice(0, diedAfter),
          { type: 'run-resumed', data: { ...anyIds, attempt, model: 'any' } },
          { type: 'run-usage', data: tokens },
          { type: 'step-reset', data: { part } },
        );
      }
      events.push(...written, {
        type: 'step-end',
        data: { part, finishReason: reason, ...tokens },
      });
      at += parts.length + 1;
    }
    if (stoppingAt !== null) {
      events.splice(2 + (stoppingAt % (events.length - 1)), 0, {
        type: 'run-stopping',
        data: { by: 'ada' },
      });
    }
    events.push({ type: 'run-end', data: { status, finishReason: null, error: null, ...sum } });
    return numbered(events);
  });

/** One of any run, at any place. */
const anyRunEvent: fc.Arbitrary<RunEvent> = fc
  .tuple(wholeRun, fc.nat(), fc.nat(6))
  .map(([events, index, part]): RunEvent => {
    const event = events[index % events.length] as RunEvent;
    if (!('part' in event.data)) return event;
    return { ...event, data: { ...event.data, part } } as RunEvent;
  });

const analyze = { callId: 't1', name: 'analyze_trades', isRemote: false };
const one = { callId: 'a', name: 'one', isRemote: false };
const two = { callId: 'b', name: 'two', isRemote: false };
const none = { inputTokens: 0, outputTokens: 0, isEstimated: false };

function fold(events: readonly RunEvent[], from: RunState = EMPTY_RUN): RunState {
  return events.reduce(foldRun, from);
}

function folded(...events: readonly Bare[]): RunState {
  return fold(numbered(events));
}

function end(status: FinalStatus): Bare {
  return { type: 'run-end', data: { status, finishReason: 'stop', error: null, ...none } };
}

const begun: readonly Bare[] = [
  { type: 'run-accepted', data: ids },
  { type: 'run-start', data: { ...ids, model: 'built-in' } },
  { type: 'step-start', data: { part: 0 } },
];

describe('the fold of a run', () => {
  test('RUN-1: a question with a tool becomes a message of its parts, with what it cost', () => {
    const state = folded(
      ...begun,
      { type: 'tool-start', data: { part: 1, ...analyze } },
      { type: 'tool-delta', data: { part: 1, text: '{"filter_type":' } },
      { type: 'tool-delta', data: { part: 1, text: '"all"}' } },
      {
        type: 'tool-call',
        data: { part: 1, ...analyze, provider: null, input: { filter_type: 'all' } },
      },
      { type: 'tool-output', data: { part: 1, output: 'half' } },
      { type: 'tool-result', data: { part: 1, output: { trades: 23 } } },
      {
        type: 'step-end',
        data: { part: 0, finishReason: 'tool-calls', ...none, inputTokens: 10, outputTokens: 5 },
      },
      { type: 'step-start', data: { part: 2 } },
      { type: 'reasoning-start', data: { part: 3 } },
      { type: 'text-start', data: { part: 4 } },
      { type: 'text-delta', data: { part: 4, text: 'It made ' } },
      { type: 'reasoning-delta', data: { part: 3, text: 'Hm.' } },
      { type: 'text-delta', data: { part: 4, text: '23 trades.' } },
      { type: 'reasoning-end', data: { part: 3, provider: { signature: 's' } } },
      { type: 'text-end', data: { part: 4, provider: null } },
      {
        type: 'step-end',
        data: { part: 2, finishReason: 'stop', ...none, inputTokens: 20, outputTokens: 7 },
      },
    );
    expect(state).toMatchObject({ status: 'running', model: 'built-in', messageId: 'm1' });
    expect(state.usage).toEqual({ inputTokens: 30, outputTokens: 12, isEstimated: false });
    expect(textOfRun(state)).toBe('It made 23 trades.');
    expect(state.parts).toEqual([
      { type: 'step', finishReason: 'tool-calls' },
      {
        ...{ type: 'tool', callId: 't1', name: 'analyze_trades', status: 'done' },
        ...{ inputText: '{"filter_type":"all"}', input: { filter_type: 'all' } },
        ...{ output: { trades: 23 }, error: null, isRemote: false, provider: null },
      },
      { type: 'step', finishReason: 'stop' },
      { type: 'reasoning', text: 'Hm.', isDone: true, provider: { signature: 's' } },
      { type: 'text', text: 'It made 23 trades.', isDone: true, provider: null },
    ]);
  });

  test('RUN-1: a call whose input nobody wrote, and one whose input is no good, have their part too', () => {
    const state = folded(
      ...begun,
      { type: 'tool-call', data: { part: 1, ...one, input: 1, provider: null } },
      { type: 'tool-error', data: { part: 2, ...two, error: 'no such tool' } },
    );
    expect(state.parts.slice(1)).toMatchObject([
      { callId: 'a', status: 'called', input: 1 },
      { callId: 'b', status: 'refused', error: 'no such tool' },
    ]);
  });

  test('RUN-1: data with the place of earlier data takes it', () => {
    const state = folded(
      ...begun,
      { type: 'data', data: { part: 1, name: 'progress', id: 'p', value: 1 } },
      { type: 'data', data: { part: 1, name: 'progress', id: 'p', value: 2 } },
    );
    expect(state.parts[1]).toEqual({ type: 'data', name: 'progress', id: 'p', value: 2 });
  });

  test('RUN-3: who takes a run over voids the step and writes it again, and goes on to stop it', () => {
    const state = folded(
      ...begun,
      { type: 'text-start', data: { part: 1 } },
      { type: 'text-delta', data: { part: 1, text: 'It ma' } },
      { type: 'run-stopping', data: { by: 'ada' } },
      { type: 'run-resumed', data: { ...ids, attempt: 2, model: 'built-in' } },
      { type: 'step-reset', data: { part: 0 } },
      { type: 'text-start', data: { part: 1 } },
      { type: 'text-delta', data: { part: 1, text: 'It made' } },
    );
    expect(state).toMatchObject({ status: 'stopping', stoppedBy: 'ada', attempt: 2 });
    expect(textOfRun(state)).toBe('It made');
  });

  test.each(['completed', 'stopped', 'failed', 'interrupted'] as const)(
    'RUN-3: behind its end as %s nothing changes',
    (status) => {
      const state = folded(...begun, end(status));
      expect(isFinalStatus(state.status)).toBe(true);
      fc.assert(
        fc.property(anyRunEvent, (event) => {
          expect(foldRun(state, event)).toBe(state);
        }),
      );
    },
  );

  test('RUN-1: every event of a whole run fits its schema', () => {
    fc.assert(
      fc.property(wholeRun, (events) => {
        for (const { type, data } of events) {
          expect(checkSchema<StandardSchema>(runEvents[type], data)).toMatchObject({ value: data });
        }
      }),
    );
  });

  test('RUN-1: at every cut, a stored state and the rest make what all of it makes', () => {
    fc.assert(
      fc.property(fc.oneof(wholeRun, fc.array(anyRunEvent)), fc.nat(), (events, place) => {
        const cut = place % (events.length + 1);
        const stored: RunState = JSON.parse(JSON.stringify(fold(events.slice(0, cut))));
        expect(fold(events.slice(cut), stored)).toEqual(fold(events));
      }),
    );
  });

  test('RUN-11: the shortest way to a state leads to it, from every place of a run, and is no longer than its parts', () => {
    fc.assert(
      fc.property(wholeRun, fc.nat(), (events, place) => {
        const state = fold(events.slice(0, place % (events.length + 1)));
        const replayed = replayRun(state);
        expect(fold(numbered(replayed))).toEqual(state);
        expect(replayed.length).toBeLessThanOrEqual(5 + 5 * state.parts.length);
      }),
    );
  });

  test('RUN-2: joined deltas make the same message', () => {
    fc.assert(
      fc.property(wholeRun, (events) => {
        expect(fold(joinDeltas(events))).toEqual(fold(events));
      }),
    );
  });

  test('RUN-2: whatever comes in whatever order, places stay in a row and states are not changed in place', () => {
    fc.assert(
      fc.property(fc.array(anyRunEvent), (events) => {
        let state = deepFreeze(EMPTY_RUN);
        for (const event of events) {
          const { length } = state.parts;
          state = deepFreeze(foldRun(state, event));
          expect(state.parts.length).toBeLessThanOrEqual(length + 1);
        }
      }),
    );
  });

  test('RUN-1: an acceptance that comes late changes nothing but that it came', () => {
    const [accepted, ...others] = begun;
    const late = folded(...others, ...(accepted === undefined ? [] : [accepted]));
    expect(late).toEqual(folded(...begun));
  });

  test('RUN-1: its channel is named by the run, and folds like this', () => {
    expect(aiRuns.of({ runId: '7' }).name).toBe('ai_run:7');
    expect(aiRuns.state?.reduce).toBe(foldRun);
  });
});

function joinDeltas(events: readonly RunEvent[]): readonly RunEvent[] {
  const joined: RunEvent[] = [];
  for (const event of events) {
    const last = joined.at(-1);
    if (
      last !== undefined &&
      (event.type === 'text-delta' ||
        event.type === 'reasoning-delta' ||
        event.type === 'tool-delta') &&
      last.type === event.type &&
      last.data.part === event.data.part
    ) {
      joined[joined.length - 1] = {
        ...last,
        data: { ...last.data, text: last.data.text + event.data.text },
      };
    } else joined.push(event);
  }
  return joined;
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}

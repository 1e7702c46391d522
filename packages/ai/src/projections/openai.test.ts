// Runs in OpenAI's format: live, come to late, and whole, the answer is one.

import {
  EMPTY_RUN,
  foldRun,
  type RunState,
  type RunWrite,
  replayRun,
  textOfRun,
} from '@millrace/protocol/runs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runOfNumbers } from '../testing/run-of-numbers.ts';
import {
  type OpenAiChunk,
  type OpenAiOptions,
  toOpenAiChunks,
  toOpenAiCompletion,
} from './openai.ts';

const ids = { conversationId: 'c', messageId: 'm' };

const options: OpenAiOptions = {
  ...{ runId: 'r1', createdS: 1_800_000_000, includesUsage: true },
  clientTools: new Set(['weather']),
};
const usage = { inputTokens: 10, outputTokens: 5, isEstimated: false };

function tell(events: readonly RunWrite[], from: RunState = EMPTY_RUN) {
  let state = from;
  const frames: (OpenAiChunk | { readonly error: { readonly message: string } })[] = [];
  let isCut = false;
  for (const event of events) {
    const told = toOpenAiChunks(state, event, options);
    state = foldRun(state, event);
    if (told === 'again') isCut = true;
    else if (!isCut) frames.push(...told);
  }
  return { frames, state, isCut };
}

/** As a client puts them together. */
function joined(frames: ReturnType<typeof tell>['frames']) {
  const chunks = frames.filter((frame) => 'choices' in frame);
  const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta));
  const calls: { id: string; name: string; arguments: string }[] = [];
  for (const { index, id, function: said } of deltas.flatMap((delta) => delta.tool_calls ?? [])) {
    const call = (calls[index] ??= { id: '', name: '', arguments: '' });
    call.id += id ?? '';
    call.name += said.name ?? '';
    call.arguments += said.arguments;
  }
  return {
    content: deltas.map(({ content }) => content ?? '').join(''),
    reasoning: deltas.map((delta) => delta.reasoning_content ?? '').join(''),
    calls,
    finish: chunks
      .flatMap(({ choices }) => choices.map((one) => one.finish_reason))
      .filter(Boolean),
    usage: chunks.find((chunk) => chunk.usage !== undefined)?.usage,
  };
}

const begun: readonly RunWrite[] = [
  { type: 'run-accepted', data: ids },
  { type: 'run-start', data: { ...ids, model: 'built-in' } },
  { type: 'step-start', data: { part: 0 } },
];

function ended(finishReason: 'stop' | 'tool-calls' = 'stop'): RunWrite {
  return { type: 'run-end', data: { status: 'completed', finishReason, error: null, ...usage } };
}

describe("OpenAI's format", () => {
  test('OAI-1: the role first, then the text, the reason of the end, and the usage if it was asked for', () => {
    const { frames } = tell([
      ...begun,
      { type: 'text-start', data: { part: 1 } },
      { type: 'text-delta', data: { part: 1, text: 'It made ' } },
      { type: 'text-delta', data: { part: 1, text: '23.' } },
      ended(),
    ]);
    expect(frames[0]).toEqual({
      id: 'chatcmpl-r1',
      object: 'chat.completion.chunk',
      created: 1_800_000_000,
      model: 'built-in',
      choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }],
    });
    expect(joined(frames)).toEqual({
      ...{ content: 'It made 23.', reasoning: '', calls: [], finish: ['stop'] },
      usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
    });
    expect(frames.at(-1)).toMatchObject({ choices: [] });
  });

  test("OAI-2: calls of the client's tools are told, whether their input was written or not; those of the server stay inside", () => {
    const weather = { name: 'weather', isRemote: false };
    const events: readonly RunWrite[] = [
      ...begun,
      { type: 'tool-start', data: { part: 1, callId: 's', name: 'count', isRemote: false } },
      { type: 'tool-delta', data: { part: 1, text: '{}' } },
      {
        type: 'tool-call',
        data: { part: 1, callId: 's', name: 'count', isRemote: false, input: {}, provider: null },
      },
      { type: 'tool-start', data: { part: 2, callId: 'a', ...weather } },
      { type: 'tool-delta', data: { part: 2, text: '{"city":' } },
      { type: 'tool-delta', data: { part: 2, text: '"Rome"}' } },
      {
        type: 'tool-call',
        data: { part: 2, callId: 'a', ...weather, input: { city: 'Rome' }, provider: null },
      },
      {
        type: 'tool-call',
        data: { part: 3, callId: 'b', ...weather, input: { city: 'Oslo' }, provider: null },
      },
      ended('tool-calls'),
    ];
    const { frames, state } = tell(events);
    const calls = [
      { id: 'a', name: 'weather', arguments: '{"city":"Rome"}' },
      { id: 'b', name: 'weather', arguments: '{"city":"Oslo"}' },
    ];
    expect(joined(frames)).toMatchObject({ calls, finish: ['tool_calls'] });
    expect(joined(tell(replayRun(state)).frames)).toMatchObject({ calls });
    expect(toOpenAiCompletion(state, options)).toMatchObject({
      choices: [
        {
          message: {
            content: null,
            tool_calls: calls.map(({ id, name, arguments: args }) => ({
              id,
              type: 'function',
              function: { name, arguments: args },
            })),
          },
          finish_reason: 'tool_calls',
        },
      ],
    });
  });

  test('OAI-3: a step that begins anew after something was told cuts the stream off', () => {
    const events: readonly RunWrite[] = [
      ...begun,
      { type: 'text-start', data: { part: 1 } },
      { type: 'run-resumed', data: { ...ids, attempt: 2, model: 'built-in' } },
      { type: 'step-reset', data: { part: 0 } },
    ];
    expect(tell(events).isCut).toBe(false);
    const told: RunWrite = { type: 'text-delta', data: { part: 1, text: 'It made 99' } };
    expect(tell([...events.slice(0, 4), told, ...events.slice(4)]).isCut).toBe(true);
  });

  test.each(['failed', 'interrupted'] as const)(
    'OAI-1: a run that is %s ends in an error',
    (status) => {
      const data = { status, finishReason: null, error: 'no', ...usage } as const;
      const { frames, state } = tell([...begun, { type: 'run-end', data }]);
      const error = { error: { message: 'no', type: 'server_error', param: null, code: status } };
      expect(frames.at(-1)).toEqual(error);
      expect(toOpenAiCompletion(state, options)).toEqual(error);
    },
  );

  test('OAI-1: who comes at any place of a run, and who asks for the whole of it, has the same answer', () => {
    const run = fc.array(fc.nat(999), { maxLength: 80 }).map(runOfNumbers);
    fc.assert(
      fc.property(run, fc.nat(), (events, place) => {
        const cut = place % (events.length + 1);
        const { frames, state, isCut } = tell(events);
        const before = events.slice(0, cut).reduce((one, event) => foldRun(one, event), EMPTY_RUN);
        const late = [...tell(replayRun(before)).frames, ...tell(events.slice(cut), before).frames];
        if (isCut || state.status === 'failed' || state.status === 'interrupted') return;
        expect(joined(late)).toEqual(joined(frames));
        expect(joined(frames).content).toBe(textOfRun(state));
        expect(toOpenAiCompletion(state, options)).toMatchObject({
          choices: [{ message: { content: textOfRun(state) } }],
          usage: joined(frames).usage,
        });
      }),
    );
  });
});

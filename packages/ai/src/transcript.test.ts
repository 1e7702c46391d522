// What the AI SDK really says, through its own loop, becomes the message of the run.

import type { RunWrite } from '@millrace/protocol/runs';
import { EMPTY_RUN, foldRun, type RunEvent, type RunState } from '@millrace/protocol/runs';
import { toOffset } from '@millrace/protocol/wire';
import { isStepCount, jsonSchema, streamText, type ToolSet, tool } from 'ai';
import { convertArrayToReadableStream, MockLanguageModelV4 } from 'ai/test';
import { describe, expect, test } from 'vitest';
import { createTranscript } from './transcript.ts';

type StreamResult = Awaited<ReturnType<MockLanguageModelV4['doStream']>>;
type Said = StreamResult['stream'] extends ReadableStream<infer Part> ? Part : never;

function finish(reason: 'stop' | 'tool-calls', input: number, output: number | undefined): Said {
  return {
    type: 'finish',
    finishReason: { unified: reason, raw: reason },
    usage: {
      inputTokens: { total: input, noCache: input, cacheRead: undefined, cacheWrite: undefined },
      outputTokens: { total: output, text: output, reasoning: undefined },
    },
  };
}

/** A model that says these, a step after the other, in a loop with the tools. */
async function generate(steps: readonly (readonly Said[])[], tools: ToolSet): Promise<RunWrite[]> {
  let step = 0;
  const model = new MockLanguageModelV4({
    doStream: () => {
      const said = steps[step] ?? [];
      step += 1;
      return Promise.resolve({ stream: convertArrayToReadableStream([...said]) });
    },
  });
  const { stream } = streamText({
    model,
    tools,
    prompt: 'Why did it lose money?',
    stopWhen: isStepCount(5),
    onError: () => undefined,
  });
  const transcript = createTranscript({
    from: 0,
    describeToolError: (error) => `told: ${String(error)}`,
  });
  const writes: RunWrite[] = [];
  for await (const part of stream) writes.push(...transcript.take(part));
  return writes;
}

function fold(writes: readonly RunWrite[]): RunState {
  const at = '2026-01-02T03:04:05.000Z';
  return writes
    .map((write, index): RunEvent => ({ ...write, offset: toOffset(index + 1), at }))
    .reduce(foldRun, EMPTY_RUN);
}

const add = tool({
  inputSchema: jsonSchema<{ a: number; b: number }>({ type: 'object' }),
  execute: ({ a, b }) => ({ sum: a + b, left: undefined }),
});

describe('the transcript of a generation', () => {
  test('RUN-1: reasoning, texts with the same ids in two steps and a tool have a place each', async () => {
    const state = fold(
      await generate(
        [
          [
            { type: 'reasoning-start', id: '0' },
            { type: 'reasoning-delta', id: '0', delta: 'Let me ' },
            { type: 'reasoning-delta', id: '0', delta: 'add.' },
            { type: 'reasoning-end', id: '0', providerMetadata: { maker: { signature: 's' } } },
            { type: 'text-start', id: '1' },
            { type: 'text-delta', id: '1', delta: 'Adding' },
            { type: 'text-end', id: '1' },
            { type: 'tool-input-start', id: 't1', toolName: 'add' },
            { type: 'tool-input-delta', id: 't1', delta: '{"a":2,' },
            { type: 'tool-input-delta', id: 't1', delta: '"b":3}' },
            { type: 'tool-input-end', id: 't1' },
            { type: 'tool-call', toolCallId: 't1', toolName: 'add', input: '{"a":2,"b":3}' },
            finish('tool-calls', 10, 4),
          ],
          [
            { type: 'text-start', id: '1' },
            { type: 'text-delta', id: '1', delta: 'It is 5.' },
            { type: 'text-end', id: '1' },
            { type: 'source', sourceType: 'url', id: 's1', url: 'https://example.com/a' },
            finish('stop', 20, undefined),
          ],
        ],
        { add },
      ),
    );
    expect(state.parts).toEqual([
      { type: 'step', finishReason: 'tool-calls' },
      {
        ...{ type: 'reasoning', text: 'Let me add.', isDone: true },
        provider: { maker: { signature: 's' } },
      },
      { type: 'text', text: 'Adding', isDone: true, provider: null },
      {
        ...{ type: 'tool', callId: 't1', name: 'add', status: 'done', isRemote: false },
        ...{ inputText: '{"a":2,"b":3}', input: { a: 2, b: 3 }, output: { sum: 5 } },
        ...{ error: null, provider: null },
      },
      { type: 'step', finishReason: 'stop' },
      { type: 'text', text: 'It is 5.', isDone: true, provider: null },
      {
        ...{ type: 'source', id: 's1', url: 'https://example.com/a', mediaType: null },
        title: null,
      },
    ]);
    expect(state.usage).toEqual({ inputTokens: 30, outputTokens: 4, isEstimated: true });
  });

  test('RUN-1: a tool that throws, one that nobody knows and one with no good input fail in words', async () => {
    const state = fold(
      await generate(
        [
          [
            { type: 'tool-call', toolCallId: 'a', toolName: 'broken', input: '{}' },
            { type: 'tool-call', toolCallId: 'b', toolName: 'unknown', input: '{}' },
            { type: 'tool-call', toolCallId: 'c', toolName: 'add', input: '{"a":' },
            finish('tool-calls', 1, 1),
          ],
          [finish('stop', 1, 1)],
        ],
        {
          add,
          broken: tool({
            inputSchema: jsonSchema<object>({ type: 'object' }),
            execute: (): Promise<string> => Promise.reject(new Error('secret')),
          }),
        },
      ),
    );
    const tools = state.parts.filter((part) => part.type === 'tool');
    expect(tools.map(({ callId, status }) => [callId, status])).toEqual([
      ['a', 'failed'],
      ['b', 'refused'],
      ['c', 'refused'],
    ]);
    for (const { error } of tools) expect(error).toMatch(/^told: /);
  });

  test('RUN-1: what a tool tells before it has its result is preliminary', async () => {
    const writes = await generate(
      [
        [
          { type: 'tool-call', toolCallId: 'a', toolName: 'slow', input: '{}' },
          finish('tool-calls', 1, 1),
        ],
        [finish('stop', 1, 1)],
      ],
      {
        slow: tool({
          inputSchema: jsonSchema<object>({ type: 'object' }),
          async *execute() {
            yield 'a third';
            yield 'all';
          },
        }),
      },
    );
    expect(writes.filter(({ type }) => type.startsWith('tool-'))).toMatchObject([
      { type: 'tool-call' },
      { type: 'tool-output', data: { output: 'a third' } },
      { type: 'tool-output', data: { output: 'all' } },
      { type: 'tool-result', data: { output: 'all' } },
    ]);
  });

  test('RUN-3: who takes over begins where the message ends', () => {
    const transcript = createTranscript({ from: 7, describeToolError: String });
    const begun = transcript.take({ type: 'start-step', request: {}, warnings: [] });
    expect([...begun, ...transcript.take({ type: 'text-start', id: '0' })]).toEqual([
      { type: 'step-start', data: { part: 7 } },
      { type: 'text-start', data: { part: 8 } },
    ]);
  });
});

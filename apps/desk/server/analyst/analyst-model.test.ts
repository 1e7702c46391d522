// The analyst as a language model: its stream, its end, tools that are not its own, a chat without any.

import { generateText, isStepCount, jsonSchema, streamText, type ToolSet, tool } from 'ai';
import { describe, expect, test } from 'vitest';
import { analystModel } from './analyst-model.ts';
import type { CallOptions, StreamPart } from './language-model.ts';
import { countTokens } from './tokens.ts';

const model = analystModel({ delayMs: 0 });

function callOf(question: string, more: Partial<CallOptions> = {}): CallOptions {
  return { prompt: [{ role: 'user', content: [{ type: 'text', text: question }] }], ...more };
}

async function partsOf(call: CallOptions, of = model): Promise<StreamPart[]> {
  const { stream } = await of.doStream(call);
  const parts: StreamPart[] = [];
  for await (const part of stream as AsyncIterable<StreamPart>) parts.push(part);
  return parts;
}

function textOf(parts: readonly StreamPart[]): string {
  return parts.map((part) => (part.type === 'text-delta' ? part.delta : '')).join('');
}

const analyze: NonNullable<CallOptions['tools']>[number] = {
  type: 'function',
  name: 'analyze_trades',
  inputSchema: { type: 'object' },
};

describe('the stream', () => {
  test('is words one by one, between a start and an end that counts them', async () => {
    const parts = await partsOf(callOf('Who are you?'));
    expect(parts.map(({ type }) => type).filter((type) => type !== 'text-delta')).toEqual([
      ...['stream-start', 'response-metadata', 'text-start', 'text-end', 'finish'],
    ]);
    const text = textOf(parts);
    expect(parts.filter(({ type }) => type === 'text-delta').length).toBeGreaterThan(30);
    expect(parts.at(-1)).toMatchObject({
      finishReason: { unified: 'stop' },
      usage: { inputTokens: { total: 4 }, outputTokens: { total: countTokens(text) } },
    });
    const whole = await model.doGenerate(callOf('Who are you?'));
    expect(whole.content).toEqual([{ type: 'text', text }]);
  });

  test('a call comes with its input in pieces that make the whole', async () => {
    const parts = await partsOf(callOf('the worst trades in QUIL', { tools: [analyze] }));
    const call = parts.find((part) => part.type === 'tool-call');
    const deltas = parts.map((part) => (part.type === 'tool-input-delta' ? part.delta : ''));
    expect(deltas.join('')).toBe(call?.input);
    expect(JSON.parse(call?.input ?? '')).toEqual({ filter_type: 'symbol', criteria: 'QUIL' });
    expect(parts.at(-1)).toMatchObject({ finishReason: { unified: 'tool-calls' } });
  });

  test('the first word comes at once, and a slow one is hurried so that an answer ends within seconds', async () => {
    const begun = performance.now();
    let firstAt = 0;
    const { stream } = await analystModel({ delayMs: 10_000 }).doStream(callOf('thanks'));
    for await (const part of stream as AsyncIterable<StreamPart>) {
      if (part.type === 'text-delta' && firstAt === 0) firstAt = performance.now() - begun;
    }
    expect(firstAt).toBeLessThan(500);
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  test('it is broken off by its signal, with the reason, and begins nothing after it', async () => {
    const halt = new AbortController();
    const call = callOf('help', { abortSignal: halt.signal });
    const { stream } = await analystModel({ delayMs: 50 }).doStream(call);
    const seen: string[] = [];
    const reading = (async () => {
      for await (const part of stream as AsyncIterable<StreamPart>) {
        seen.push(part.type);
        if (part.type === 'text-delta') halt.abort(new Error('enough'));
      }
    })();
    await expect(reading).rejects.toThrow('enough');
    expect(seen.filter((type) => type === 'text-delta').length).toBeLessThan(3);
    await expect(model.doStream(call)).rejects.toThrow('enough');
  });

  test('a limit of tokens and a stop sequence hold', async () => {
    const cut = await partsOf(callOf('help', { maxOutputTokens: 12 }));
    expect(countTokens(textOf(cut))).toBeLessThanOrEqual(12);
    expect(cut.at(-1)).toMatchObject({ finishReason: { unified: 'length' } });
    const tools = [analyze];
    const whole = textOf(await partsOf(callOf('help', { tools })));
    const stopped = await partsOf(
      callOf('help', { tools, stopSequences: ['Trades', 'never said'] }),
    );
    expect(textOf(stopped).trimEnd()).toBe(whole.slice(0, whole.indexOf('Trades')).trimEnd());
    expect(stopped.at(-1)).toMatchObject({ finishReason: { unified: 'stop' } });
  });

  test('who asks for JSON gets JSON', async () => {
    const parts = await partsOf(callOf('hi', { responseFormat: { type: 'json' } }));
    expect(JSON.parse(textOf(parts))).toEqual({ answer: expect.stringContaining('Hello') });
  });
});

describe('without its tools', () => {
  test.each([
    ['Who are you?', 'built-in analyst', 'rule-based'],
    ['hello', 'Hello', 'built-in analyst'],
    ['Why did it lose money?', 'I can’t answer that from here', 'see no trading run'],
    ['What is the capital of France?', 'did not understand', 'rule-based'],
    ['help', 'see no trading run', 'In Desk'],
  ])('"%s" is answered honestly', async (question, ...words) => {
    const { text, toolCalls } = await generateText({ model, prompt: question });
    expect(toolCalls).toEqual([]);
    for (const word of words) expect(text).toContain(word);
  });

  test('a prompt without any question is no failure', async () => {
    const parts = await partsOf({ prompt: [{ role: 'system', content: 'Be brief.' }] });
    expect(textOf(parts)).toContain('did not understand');
  });
});

describe('tools of others', () => {
  const schema = (properties: object, required: readonly string[] = []) =>
    jsonSchema<object>({ type: 'object', properties: { ...properties }, required: [...required] });
  const others: ToolSet = {
    get_weather: tool({
      description: 'The weather of a city now',
      inputSchema: schema(
        { city: { type: 'string' }, unit: { type: 'string', enum: ['celsius', 'fahrenheit'] } },
        ['city'],
      ),
      execute: (input) => ({ ...input, degrees: 21 }),
    }),
    addNumbers: tool({
      description: 'Adds numbers',
      inputSchema: schema({ numbers: { type: 'array', items: { type: 'number' } } }, ['numbers']),
      execute: () => 'five and a half',
    }),
    send_mail: tool({
      inputSchema: schema({ to: { type: 'string' }, count: { type: 'integer' } }, ['to', 'count']),
      execute: (): string => {
        throw new Error('the post office is closed');
      },
    }),
  };
  const ask = async (prompt: string, more: object = {}) => {
    const result = streamText({
      ...{ model, prompt, tools: others, stopWhen: isStepCount(4), onError: () => undefined },
      ...more,
    });
    const [text, steps] = [await result.text, await result.steps];
    return { text, calls: steps.flatMap((step) => step.toolCalls) };
  };

  test.each([
    [
      'What is the weather in "Paris", in celsius?',
      'get_weather',
      { city: 'Paris', unit: 'celsius' },
    ],
    ['weather for New York please', 'get_weather', { city: 'New York' }],
    ['use addNumbers with 2 and 3.5', 'addNumbers', { numbers: [2, 3.5] }],
    ['send mail to "ada@example.com" 3 times', 'send_mail', { to: 'ada@example.com', count: 3 }],
  ])('"%s" calls %s', async (prompt, toolName, input) => {
    const { calls } = await ask(prompt);
    expect(calls).toMatchObject([{ toolName, input }]);
  });

  test('what one answered is shown as it is, and what failed is told', async () => {
    expect((await ask('weather in "Oslo"')).text).toContain('- **degrees:** 21');
    expect((await ask('add numbers 2 and 3.5')).text).toContain('> five and a half');
    const failed = await ask('send mail to "ada" 1');
    expect(failed.text).toContain('`send_mail` failed');
    expect(failed.text).toContain('the post office is closed');
  });

  test('none is called for another question, nor without what it must have', async () => {
    expect((await ask('why did it lose money?')).calls).toEqual([]);
    const { text, calls } = await ask('how is the weather?');
    expect(calls).toEqual([]);
    expect(text).toContain('I need `city`');
  });

  test('a choice of tool is kept', async () => {
    expect((await ask('weather in "Oslo"', { toolChoice: 'none' })).calls).toEqual([]);
    const forced = await ask('hello', {
      toolChoice: { type: 'tool', toolName: 'get_weather' },
      stopWhen: isStepCount(1),
    });
    expect(forced.calls).toMatchObject([{ toolName: 'get_weather', input: { city: 'hello' } }]);
    const required = await ask('hello', { toolChoice: 'required', stopWhen: isStepCount(1) });
    expect(required.calls).toHaveLength(1);
  });

  test('one that has a name of ours and answers otherwise is told, not trusted', async () => {
    const { text } = await ask('how is it doing?', {
      tools: {
        analyze_trades: tool({ inputSchema: schema({}), execute: () => ({ data: { kind: 'x' } }) }),
      },
    });
    expect(text).toContain('I could not look that up');
    expect(text).toContain('What analyze\\_trades answered is not what I can read');
  });
});

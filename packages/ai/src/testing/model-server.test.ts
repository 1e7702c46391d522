// The model server by itself: what other tests believe of it.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createModelServer, type ModelServer } from './model-server.ts';

let models: ModelServer;

beforeEach(async () => {
  models = await createModelServer({ answer: ({ model }) => ({ text: [`I am ${model}.`] }) });
});

afterEach(() => models.close());

function ask(body: object, signal?: AbortSignal): Promise<Response> {
  return fetch(`${models.url}/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk-very-secret', 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages: [], ...body }),
    signal: signal ?? null,
  });
}

describe('the model server', () => {
  test('answers whole and streamed alike, queued answers first, those of a model to it alone', async () => {
    models.queue([{ toolCalls: [{ name: 'look', arguments: { n: 1 } }], usage: null }], 'b');
    expect(await (await ask({ model: 'a' })).json()).toMatchObject({
      model: 'a',
      choices: [{ message: { content: 'I am a.' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
    });
    const called: unknown = await (await ask({ model: 'b' })).json();
    expect(called).toMatchObject({
      choices: [
        { message: { content: null, tool_calls: [{ function: { arguments: '{"n":1}' } }] } },
      ],
    });
    expect(called).not.toHaveProperty('usage');
    const stream = { stream: true, stream_options: { include_usage: true } };
    const lines = (await (await ask(stream)).text()).trim().split('\n\n');
    expect(lines).toHaveLength(5);
    expect(lines[1]).toContain('"content":"I am m."');
    expect(lines[3]).toContain('"total_tokens":15');
    expect(lines[4]).toBe('data: [DONE]');
  });

  test('holds a frame back until it may go', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    models.queue([{ text: ['one ', 'two'], waits: new Map([[2, promise]]) }]);
    const { body } = await ask({ stream: true });
    const reader = (body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const readOn = async (until: string): Promise<void> => {
      while (!text.includes(until)) text += (await reader.read()).value ?? '';
    };
    await readOn('one ');
    const rest = readOn('[DONE]');
    // Another request has its whole answer meanwhile.
    await (await ask({})).text();
    expect(text).not.toContain('two');
    resolve();
    await rest;
    expect(text).toContain('two');
  });

  test('tells what reached it without the key, and who closed the line', async () => {
    models.queue([{}, { fault: { is: 'stall', at: 1 } }, { fault: { is: 'cut', at: 1 } }]);
    await (await ask({ temperature: 1 })).text();
    const leaving = new AbortController();
    const stalled = await ask({ stream: true }, leaving.signal);
    expect(models.requests[1]?.ended).toBeNull();
    const leftAt = performance.now();
    leaving.abort();
    const cut = await ask({ stream: true });
    await expect(cut.text()).rejects.toThrow('terminated');
    await expect(stalled.text()).rejects.toThrow('aborted');
    const ends = await Promise.all(models.requests.map(({ whenEnded }) => whenEnded));
    expect(ends.map(({ by }) => by)).toEqual(['server', 'client', 'server']);
    expect(ends[1]?.atMs).toBeGreaterThan(leftAt);
    expect(models.requests[0]).toMatchObject({
      path: '/v1/chat/completions',
      headers: { authorization: 'Bearer sk-…' },
      body: { temperature: 1 },
    });
    expect(JSON.stringify(models.requests)).not.toContain('secret');
  });

  test('refuses with a status and when to come back; other paths are none', async () => {
    models.queue([{ fault: { is: 'status', status: 429, retryAfterS: 7 } }]);
    const { status, headers } = await ask({});
    expect([status, headers.get('retry-after')]).toEqual([429, '7']);
    expect((await fetch(`${models.url}/models`)).status).toBe(404);
  });
});

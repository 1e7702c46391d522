// The official `openai` clients, unmodified, against runs in its format: streamed and whole, with the client's tools, cut
// off and come again.

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveOpenAi } from '@millrace/ai';
import { aiRuns, type RunWrite } from '@millrace/protocol/runs';
import { createHub, type Hub } from '@millrace/server';
import OpenAI from 'openai';
import OpenAI6 from 'openai-6';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const ids = { conversationId: 'c', messageId: 'm' };

let hub: Hub;
let server: Server;
let client: OpenAI;
let url: string;
/** The events of the run that the next request starts. */
let script: readonly RunWrite[];
let starts: number;
let writing: Promise<void>[];

const usage = { inputTokens: 10, outputTokens: 5, isEstimated: false };

interface Body {
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
  readonly tools?: readonly { readonly function: { readonly name: string } }[];
}

beforeEach(async () => {
  starts = 0;
  writing = [];
  hub = createHub({ contracts: [aiRuns] });
  server = createServer((req, res) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk as Buffer);
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Body;
      starts += 1;
      const runId = `run-${starts}`;
      writing.push(write(runId));
      await serveOpenAi(hub, res, {
        ...{ runId, createdS: 1_800_000_000, isStreamed: body.stream === true },
        includesUsage: body.stream_options?.include_usage === true,
        clientTools: new Set(body.tools?.map((tool) => tool.function.name)),
        heartbeatMs: 20,
      });
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  url = `http://127.0.0.1:${port}/api/v1`;
});

afterEach(async () => {
  await Promise.all(writing);
  server.closeAllConnections();
  server.close();
  await hub.close();
});

async function write(runId: string): Promise<void> {
  const channel = aiRuns.of({ runId });
  for (const event of script) {
    await hub.publish(channel, event);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  if (script.at(-1)?.type === 'run-end') await hub.end(channel);
}

const begun: readonly RunWrite[] = [
  { type: 'run-accepted', data: ids },
  { type: 'run-start', data: { ...ids, model: 'built-in' } },
  { type: 'step-start', data: { part: 0 } },
];

function said(...texts: readonly string[]): readonly RunWrite[] {
  return [
    ...begun,
    { type: 'text-start', data: { part: 1 } },
    ...texts.map((text): RunWrite => ({ type: 'text-delta', data: { part: 1, text } })),
  ];
}

function ended(
  status: 'completed' | 'failed' = 'completed',
  reason: 'stop' | 'tool-calls' = 'stop',
): RunWrite {
  const error = status === 'failed' ? 'The model is away.' : null;
  return { type: 'run-end', data: { status, finishReason: reason, error, ...usage } };
}

const request = { model: 'gpt-3.5-turbo', messages: [{ role: 'user' as const, content: 'Why?' }] };

const weather = {
  type: 'function' as const,
  function: { name: 'weather', parameters: { type: 'object', properties: {} } },
};

const clients = [
  ['7', OpenAI],
  ['6', OpenAI6 as unknown as typeof OpenAI],
] as const;

describe.each(clients)('the openai client %s', (_, Client) => {
  beforeEach(() => {
    client = new Client({ apiKey: 'mr-test', baseURL: url });
  });

  test('OAI-1: streams text with usage, through heartbeats', async () => {
    script = [...said('It made ', '23 ', '😀.'), ended()];
    const stream = await client.chat.completions.create({
      ...{ ...request, stream: true },
      stream_options: { include_usage: true },
    });
    let text = '';
    let total = 0;
    let reason: string | null = null;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      reason = chunk.choices[0]?.finish_reason ?? reason;
      total = chunk.usage?.total_tokens ?? total;
    }
    expect([text, reason, total]).toEqual(['It made 23 😀.', 'stop', 15]);
  });

  test('OAI-1: has the same whole', async () => {
    script = [...said('It made ', '23.'), ended()];
    const { choices, usage: paid, model } = await client.chat.completions.create(request);
    expect(choices[0]?.message.content).toBe('It made 23.');
    expect(paid?.completion_tokens).toBe(5);
    expect(model).toBe('built-in');
  });

  test('OAI-2: puts the calls of its own tools together', async () => {
    const call = { part: 1, callId: 'a', name: 'weather', isRemote: false };
    script = [
      ...begun,
      { type: 'tool-start', data: call },
      { type: 'tool-delta', data: { part: 1, text: '{"city":' } },
      { type: 'tool-delta', data: { part: 1, text: '"Rome"}' } },
      { type: 'tool-call', data: { ...call, input: { city: 'Rome' }, provider: null } },
      ended('completed', 'tool-calls'),
    ];
    const runner = client.chat.completions.stream({ ...request, tools: [weather] });
    const { choices } = await runner.finalChatCompletion();
    expect(choices[0]?.finish_reason).toBe('tool_calls');
    expect(choices[0]?.message.tool_calls).toMatchObject([
      { id: 'a', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } },
    ]);
  });

  test('OAI-1: is told of a failure in words, and does not try again by itself', async () => {
    script = [...said('It ma'), ended('failed')];
    const stream = await client.chat.completions.create({ ...request, stream: true });
    await expect(
      (async () => {
        for await (const chunk of stream) void chunk;
      })(),
    ).rejects.toThrow('The model is away.');
    await expect(client.chat.completions.create(request)).rejects.toMatchObject({ status: 502 });
    expect(starts).toBe(2);
  });

  test('OAI-3: is cut off where a step begins anew', async () => {
    script = [
      ...said('It made 99'),
      { type: 'run-resumed', data: { ...ids, attempt: 2, model: 'built-in' } },
      { type: 'step-reset', data: { part: 0 } },
    ];
    const stream = await client.chat.completions.create({ ...request, stream: true });
    await expect(
      (async () => {
        for await (const chunk of stream) void chunk;
      })(),
    ).rejects.toThrow('terminated');
  });

  test('OAI-1: that leaves ends nothing', async () => {
    script = [...said('It made ', '23.'), ended()];
    const stream = await client.chat.completions.create({ ...request, stream: true });
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content === 'It made ') break;
    await expect.poll(() => hub.stats().subscriptions).toBe(0);
    await Promise.all(writing);
    const { events } = await hub.history(aiRuns.of({ runId: 'run-1' }));
    expect(events.map(({ type }) => type)).toEqual(script.map(({ type }) => type));
  });
});

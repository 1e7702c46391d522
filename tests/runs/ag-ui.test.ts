// AG-UI events of a run with every kind of part, read by the official clients with all that they verify: come to at every
// place, however the run ends.

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HttpAgent, type Message } from '@ag-ui/client';
import { readAgUiInput, serveAgUi } from '@millrace/ai';
import { aiRuns, type FinalStatus, type RunWrite } from '@millrace/protocol/runs';
import { createHub, type Hub } from '@millrace/server';
import { HttpAgent as HttpAgent0 } from 'ag-ui-client-0';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../support/wait.ts';

const ids = { conversationId: 'c', messageId: 'm' };
const usage = { inputTokens: 1, outputTokens: 1, isEstimated: false };
const look = { callId: 'look-1', name: 'look', isRemote: false };
const lost = { callId: 'lost-1', name: 'lost', isRemote: false };

/** Two steps, with all kinds of parts; the last three of them are never closed by the model. */
const EVENTS: readonly RunWrite[] = [
  { type: 'run-accepted', data: ids },
  { type: 'run-start', data: { ...ids, model: 'any' } },
  { type: 'step-start', data: { part: 0 } },
  { type: 'reasoning-start', data: { part: 1 } },
  { type: 'reasoning-delta', data: { part: 1, text: 'I have to ' } },
  { type: 'reasoning-delta', data: { part: 1, text: 'count.' } },
  { type: 'reasoning-end', data: { part: 1, provider: null } },
  { type: 'text-start', data: { part: 2 } },
  { type: 'text-delta', data: { part: 2, text: 'Counting ' } },
  { type: 'text-delta', data: { part: 2, text: '😀. ' } },
  { type: 'text-end', data: { part: 2, provider: null } },
  { type: 'tool-start', data: { ...look, part: 3 } },
  { type: 'tool-delta', data: { part: 3, text: '{"what":' } },
  { type: 'tool-delta', data: { part: 3, text: '"trades"}' } },
  { type: 'tool-call', data: { ...look, part: 3, input: { what: 'trades' }, provider: null } },
  { type: 'tool-output', data: { part: 3, output: 'half' } },
  { type: 'tool-result', data: { part: 3, output: { trades: 23 } } },
  { type: 'tool-error', data: { ...lost, part: 4, error: 'There is no such tool.' } },
  { type: 'step-end', data: { part: 0, finishReason: 'tool-calls', ...usage } },
  { type: 'step-start', data: { part: 5 } },
  {
    type: 'source',
    data: { part: 6, id: 's', url: 'https://example.com/', mediaType: null, title: 'A page' },
  },
  { type: 'file', data: { part: 7, url: 'data:text/plain,a', mediaType: 'text/plain' } },
  { type: 'data', data: { part: 8, name: 'progress', id: 'p', value: { done: 1 } } },
  { type: 'text-start', data: { part: 9 } },
  { type: 'text-delta', data: { part: 9, text: 'It made 23.' } },
  { type: 'reasoning-start', data: { part: 10 } },
  { type: 'tool-start', data: { ...look, callId: 'look-2', part: 11 } },
];

let hub: Hub;
let server: Server;
let url: string;
let asked: Set<string>;

beforeAll(async () => {
  asked = new Set();
  hub = createHub({ contracts: [aiRuns] });
  server = createServer((req, res) => {
    const [, version, runId = ''] = (req.url ?? '').split('/');
    asked.add(runId);
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk as Buffer);
      const { messages } = readAgUiInput(JSON.parse(Buffer.concat(chunks).toString()));
      const ofClient = { threadId: 't', clientRunId: runId, messages };
      await serveAgUi(hub, res, { runId, ...ofClient, version: version === '1' ? 1 : 0 });
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await hub.close();
});

interface Read {
  readonly messages: readonly Message[];
  readonly custom: readonly string[];
  readonly end: string;
}

async function read(version: 0 | 1, runId: string): Promise<Read> {
  const Agent = version === 1 ? HttpAgent : (HttpAgent0 as unknown as typeof HttpAgent);
  const agent = new Agent({ url: `${url}/${version}/${runId}`, threadId: 't' });
  agent.messages = [{ id: 'u', role: 'user', content: 'How many?' }];
  const custom: string[] = [];
  let end = 'none';
  await agent.runAgent(
    { runId },
    {
      onCustomEvent: ({ event }) => void custom.push(event.name),
      onRunFinishedEvent: ({ event }) => {
        end = event.outcome?.type ?? 'finished';
      },
      onRunErrorEvent: ({ event }) => {
        end = event.code ?? 'error';
      },
    },
  );
  return { messages: agent.messages, custom, end };
}

/** The run, with a reader that comes behind its first `place` events. */
async function readFrom(
  place: number,
  version: 0 | 1,
  status: FinalStatus,
  events: readonly RunWrite[] = EVENTS,
): Promise<Read> {
  const runId = `${status}-${version}-${place}-of-${events.length}`;
  const channel = aiRuns.of({ runId });
  const end: RunWrite = {
    type: 'run-end',
    data: { status, finishReason: 'stop', error: 'no', ...usage },
  };
  const items = [...events, end].map((event) => ({ channel, event }));
  if (place > 0) await hub.publishMany(items.slice(0, place));
  const reading = read(version, runId);
  await until(() => asked.has(runId), { label: 'the reader' });
  await hub.publishMany(items.slice(place));
  await hub.end(channel);
  return reading;
}

const ENDS = [
  ['completed', { 0: 'finished', 1: 'finished' }],
  ['stopped', { 0: 'STOPPED', 1: 'cancelled' }],
  ['failed', { 0: 'failed', 1: 'failed' }],
  ['interrupted', { 0: 'interrupted', 1: 'interrupted' }],
] as const;

test.each(
  ENDS.flatMap(([status, ends]) => ([0, 1] as const).map((v) => [status, v, ends[v]] as const)),
)(
  'AGUI-1, AGUI-2: a run that is %s passes what client %i.0 verifies, from every place, and is the same messages',
  async (status, version, end) => {
    const places = Array.from({ length: EVENTS.length + 1 }, (_, place) => place);
    const all = await Promise.all(places.map((place) => readFrom(place, version, status)));
    const [first] = all;
    expect(first?.end).toBe(end);
    expect(first?.custom).toEqual(['source', 'file', 'progress']);
    const texts = first?.messages.flatMap(({ role, content }) =>
      role === 'assistant' ? (content ?? '') : [],
    );
    expect(texts?.join('')).toBe('Counting 😀. It made 23.');
    expect(first?.messages).toContainEqual(
      expect.objectContaining({ role: 'tool', toolCallId: 'look-1', content: '{"trades":23}' }),
    );
    for (const one of all) expect(one).toEqual(first);
  },
);

/** Another owner writes the second step anew, with less in it. */
const AGAIN: readonly RunWrite[] = [
  ...EVENTS,
  { type: 'run-resumed', data: { ...ids, attempt: 2, model: 'any' } },
  { type: 'step-reset', data: { part: 5 } },
  { type: 'reasoning-start', data: { part: 6 } },
  { type: 'reasoning-delta', data: { part: 6, text: 'Once more.' } },
  { type: 'text-start', data: { part: 7 } },
  { type: 'text-delta', data: { part: 7, text: 'It made 24.' } },
  { type: 'step-end', data: { part: 5, finishReason: 'stop', ...usage } },
];

test.each([0, 1] as const)(
  'AGUI-3: to client %i.0 a step that begins anew takes back what it said, from wherever it is read',
  async (version) => {
    const places = Array.from({ length: AGAIN.length + 1 }, (_, place) => place);
    const all = await Promise.all(
      places.map((place) => readFrom(place, version, 'completed', AGAIN)),
    );
    // A client keeps the reasoning of a void step as a message without words.
    const said = all.map(({ messages }) =>
      messages.filter(({ role, content }) => role !== 'reasoning' || content !== ''),
    );
    const texts = JSON.stringify(said[0]);
    expect(texts).toContain('It made 24.');
    expect(texts).not.toContain('It made 23.');
    const sorted = said.map((messages) => messages.toSorted((a, b) => (a.id < b.id ? -1 : 1)));
    for (const one of sorted) expect(one).toEqual(sorted[0]);
  },
);

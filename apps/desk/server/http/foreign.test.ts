// Every endpoint of chats, keys and models' AI, tried by another user: what is foreign is not there, and stays as it was.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ApiKeysAnswer, ChatRunAnswer, NewApiKeyAnswer } from '../../shared/chat-api.ts';
import { type ChatDesk, scriptedAnalyst, startChatDesk } from '../testing/chat-desk.ts';
import { ENDPOINTS } from './access.ts';

let desk: ChatDesk;
const chat = 'a-chat-of-ada-0001';
let ofAda: Readonly<Record<string, string>> = {};
beforeAll(async () => {
  desk = await startChatDesk({ analyst: scriptedAnalyst(() => null) });
  const asked = await desk.ask('ada', '/api/chat', {
    body: {
      ...{ id: chat, modelId: desk.modelId, runId: 'latest' },
      message: { id: 'q1', role: 'user', parts: [{ type: 'text', text: 'Wait' }] },
    },
    signal: AbortSignal.timeout(10_000),
  });
  await asked.body?.cancel();
  const active = await desk.ask('ada', `/api/chat/${chat}/runs`, {
    body: { text: 'And then?', overlap: 'queue' },
  });
  const { runId: aiRunId } = (await active.json()) as ChatRunAnswer;
  const made = await desk.ask('ada', '/api/keys', { body: { name: 'K' } });
  const { id: keyId } = (await made.json()) as NewApiKeyAnswer;
  const kept = await desk.ask('ada', `/api/models/${desk.modelId}/instructions`, {
    body: { text: 'Be short.' },
  });
  const { id: instructionId } = (await kept.json()) as { id: string };
  const program = await desk.ask('ada', '/api/v1/inference/stream', {
    body: { messages: [{ role: 'user', content: 'Wait' }] },
  });
  const generationId = program.headers.get('x-generation-id') ?? '';
  await program.body?.cancel();
  ofAda = { aiRunId, keyId, instructionId, generationId };
});
afterAll(() => desk[Symbol.asyncDispose]());

interface Try {
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default 404. */
  readonly status?: number;
  /** What the answer must be, where it is one. */
  readonly is?: object;
}

const elsewhere = '/api/models/no-model-of-theirs';
const someId = '01890a5d-ac96-774b-bcce-b302099a8057';

/** By endpoint. Each that is the user's own is here, or the test below says which is missing. */
function tries(): Readonly<Record<string, readonly Try[]>> {
  const { aiRunId = '', keyId = '', instructionId = '', generationId = '' } = ofAda;
  const message = { message: 'Whose?' };
  const run = { text: 'Whose?' };
  const question = { id: 'q2', role: 'user', parts: [{ type: 'text', text: 'Whose?' }] };
  return {
    'GET /api/chat/sessions': [
      { path: '/api/chat/sessions', status: 200, is: { sessions: [] } },
      { path: `/api/chat/sessions?modelId=${desk.modelId}&runId=${someId}` },
    ],
    'POST /api/chat/sessions': [
      { path: '/api/chat/sessions', body: { modelId: 'no-model-of-theirs' } },
      { path: '/api/chat/sessions', body: { modelId: desk.modelId, runId: someId } },
    ],
    'PATCH /api/chat/sessions/:id': [
      { path: `/api/chat/sessions/${chat}`, body: { title: 'Mine' } },
    ],
    'DELETE /api/chat/sessions/:id': [{ path: `/api/chat/sessions/${chat}` }],
    'GET /api/chat/:id/messages': [{ path: `/api/chat/${chat}/messages` }],
    'POST /api/chat/:id/runs': [{ path: `/api/chat/${chat}/runs`, body: run }],
    'POST /api/chat/:id/stop': [{ path: `/api/chat/${chat}/stop`, body: { runId: aiRunId } }],
    'POST /api/chat/:id/retry': [{ path: `/api/chat/${chat}/retry`, body: { runId: aiRunId } }],
    'POST /api/chat': [
      { path: '/api/chat', body: { id: chat, message: question } },
      { path: '/api/chat', body: { id: chat, trigger: 'regenerate-message' } },
      {
        path: '/api/chat',
        body: { id: 'a-chat-of-eve-0001', message: question, modelId: 'no-model-of-theirs' },
      },
    ],
    'POST /api/agui': [
      {
        path: '/api/agui',
        body: {
          ...{
            threadId: chat,
            runId: 'r',
            messages: [{ id: 'q2', role: 'user', content: 'Whose?' }],
          },
          ...{ tools: [], context: [], state: {}, forwardedProps: {} },
        },
      },
    ],
    // As a plain request; chat-socket.test.ts has the socket's.
    'GET /api/chat/ws': [{ path: '/api/chat/ws', status: 400 }],
    'GET /api/chat/:id/stream': [{ path: `/api/chat/${chat}/stream` }],
    'GET /api/models/:modelId/runs/:runId/chat-stream': [
      { path: `${elsewhere}/runs/latest/chat-stream?message=Whose` },
      { path: `/api/models/${desk.modelId}/runs/${someId}/chat-stream?message=Whose` },
      { path: `/api/models/gemini_grid/runs/latest/chat-stream`, status: 204 },
      { path: `${desk.run}/chat-stream`, headers: { 'last-event-id': `${aiRunId}~` } },
      { path: `${desk.run}/chat-stream?ticket=mt_none`, status: 401 },
    ],
    'POST /api/models/:modelId/runs/:runId/chat-stream': [
      { path: `${elsewhere}/runs/latest/chat-stream`, body: message },
      {
        path: `${desk.run}/chat-stream`,
        body: message,
        headers: { 'last-event-id': `${aiRunId}~` },
      },
    ],
    'POST /api/models/:modelId/runs/:runId/chat': [
      { path: `${elsewhere}/runs/latest/chat`, body: message },
    ],
    'POST /api/models/:modelId/runs/:runId/chat-stop': [
      { path: `${desk.run}/chat-stop`, body: { runId: aiRunId } },
      { path: `${desk.run}/chat-stop`, body: {}, status: 200, is: { stopped: false } },
    ],
    'GET /api/models/:modelId/runs/:runId/chat-history': [
      { path: `${elsewhere}/runs/latest/chat-history` },
      { path: `${desk.run}/chat-history`, status: 200, is: { messages: [] } },
    ],
    'POST /api/models/:modelId/runs/:runId/chat-ticket': [
      { path: `${elsewhere}/runs/latest/chat-ticket`, body: {} },
    ],
    'GET /api/models/:modelId/ai': [{ path: `${elsewhere}/ai` }],
    'PUT /api/models/:modelId/ai': [{ path: `${elsewhere}/ai`, body: { aiModel: 'm' } }],
    'POST /api/models/:modelId/ai/test': [{ path: `${elsewhere}/ai/test`, body: {} }],
    'GET /api/models/:modelId/instructions': [
      { path: `${elsewhere}/instructions` },
      { path: `/api/models/${desk.modelId}/instructions`, status: 200, is: { instructions: [] } },
    ],
    'POST /api/models/:modelId/instructions': [
      { path: `${elsewhere}/instructions`, body: { text: 'Mine' } },
      {
        path: `/api/models/${desk.modelId}/instructions`,
        body: { text: 'From a chat of hers', sessionId: chat, messageId: 'q1' },
      },
    ],
    'DELETE /api/models/:modelId/instructions/:id': [
      { path: `/api/models/${desk.modelId}/instructions/${instructionId}` },
    ],
    'GET /api/keys': [{ path: '/api/keys', status: 200, is: { keys: [] } }],
    'DELETE /api/keys/:id': [{ path: `/api/keys/${keyId}` }],
    'POST /api/v1/runs/:runId/stop': [
      { path: `/api/v1/runs/${generationId}/stop`, body: {} },
      { path: `/api/v1/runs/${someId}/stop`, body: {} },
    ],
  };
}

/** They refer to nothing that is anybody's. */
const OWN_ONLY = [
  ...['POST /api/keys', 'GET /api/v1/models'],
  ...['POST /api/v1/chat/completions', 'POST /api/v1/inference/stream'],
];

const MINE =
  /^\/api\/(?:chat(?:$|\/sessions|\/ws|\/:id)|agui|keys|v1\/|models\/:modelId\/(?:ai|instructions|runs\/:runId\/chat))/;
const endpoints = ENDPOINTS.filter(({ path, access }) => access === 'user' && MINE.test(path)).map(
  ({ method, path }) => `${method} ${path}`,
);

test.each(endpoints)('CHAT-4: %s as somebody else', async (endpoint) => {
  if (OWN_ONLY.includes(endpoint)) return;
  const all = tries()[endpoint] ?? [];
  expect(all.length, 'tries of it').toBeGreaterThan(0);
  for (const { path, body, headers, status = 404, is } of all) {
    const [method = 'GET'] = endpoint.split(' ');
    const response = await desk.ask('eve', path, {
      ...{ method, signal: AbortSignal.timeout(10_000) },
      ...(body === undefined ? {} : { body }),
      ...(headers === undefined ? {} : { headers }),
    });
    expect({ path, status: response.status }).toEqual({ path, status });
    expect(response.headers.get('content-type') ?? '').not.toContain('event-stream');
    const text = await response.text();
    expect(is === undefined || JSON.stringify(is) === text, text).toBe(true);
  }
});

test('CHAT-4: an answer’s channel and a chat’s are read by nobody else', async () => {
  for (const channel of [`ai_run:${ofAda['aiRunId']}`, `conversation:${chat}`]) {
    const path = `/realtime/events?channel=${encodeURIComponent(channel)}`;
    const tried = await desk.ask('eve', path, { signal: AbortSignal.timeout(10_000) });
    expect(tried.headers.get('content-type') ?? '').not.toContain('event-stream');
    expect(tried.status).toBeGreaterThanOrEqual(400);
    const own = await desk.ask('ada', path, { signal: AbortSignal.timeout(10_000) });
    expect(own.status).toBe(200);
    await own.body?.cancel();
  }
});

test('CHAT-4: after all that everything of hers is as it was', async () => {
  const messages = await (await desk.ask('ada', `/api/chat/${chat}/messages`)).json();
  expect(messages).toMatchObject({ messages: [{ text: 'Wait' }, { text: 'And then?' }] });
  const { keys } = (await (await desk.ask('ada', '/api/keys')).json()) as ApiKeysAnswer;
  expect(keys).toMatchObject([{ revokedAt: null }]);
  const kept = await (await desk.ask('ada', `/api/models/${desk.modelId}/instructions`)).json();
  expect(kept).toMatchObject({ instructions: [{ text: 'Be short.' }] });
  // Nobody has stopped it before. What a chat has at work is stopped where the chat is.
  const { generationId, aiRunId } = ofAda;
  const stopped = await desk.ask('ada', `/api/v1/runs/${generationId}/stop`, { body: {} });
  expect(await stopped.json()).toEqual({ stopped: true });
  expect((await desk.ask('ada', `/api/v1/runs/${aiRunId}/stop`, { body: {} })).status).toBe(404);
});

test('CHAT-3: a chat that is deleted is gone: messages, answers and channels', async () => {
  expect((await desk.ask('ada', `/api/chat/sessions/${chat}`, { method: 'DELETE' })).status).toBe(
    204,
  );
  expect((await desk.ask('ada', `/api/chat/${chat}/messages`)).status).toBe(404);
  expect((await desk.ask('ada', `/api/chat/${chat}/stream`)).status).toBe(404);
});

// Spec D2 as bytes: what a program with a key meets. (The official client is tried in tests/.)

import { createModelServer } from '@millrace/ai/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NewApiKeyAnswer } from '../../shared/chat-api.ts';
import { type ChatDesk, eventsIn, scriptedAnalyst, startChatDesk } from '../testing/chat-desk.ts';
import { startTestDesk } from '../testing/test-desk.ts';

let desk: ChatDesk;
let key = '';
const analyst = scriptedAnalyst((asked) => (asked === 'Wait' ? null : ['It ', 'made ', '23.']), {
  usesTool: true,
});
beforeAll(async () => {
  desk = await startChatDesk({ analyst });
  const made = await desk.ask('ada', '/api/keys', { body: { name: 'My program' } });
  ({ key } = (await made.json()) as NewApiKeyAnswer);
});
afterAll(() => desk[Symbol.asyncDispose]());

const question = { model: 'gpt-3.5-turbo', messages: [{ role: 'user', content: 'Why?' }] };

function call(path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return desk.get(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
    body: JSON.stringify(body),
  });
}

test('a completion says what really ran, with usage; tools of the server stay inside', async () => {
  const response = await call('/api/v1/chat/completions', question);
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({
    ...{ object: 'chat.completion', model: 'built-in-analyst' },
    choices: [{ message: { role: 'assistant', content: 'It made 23.' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 20, completion_tokens: 8, total_tokens: 28 },
  });
});

test('a stream has chunks and [DONE]; on /inference/stream it is the default', async () => {
  const response = await call('/api/v1/inference/stream', question);
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const text = await response.text();
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  const contents = eventsIn(text).flatMap(({ choices }) =>
    (choices as { delta: { content?: string } }[]).map(({ delta }) => delta.content ?? ''),
  );
  expect(contents.join('')).toBe('It made 23.');
});

test('CHAT-6: a request that is repeated is answered by its first attempt', async () => {
  const calls = analyst.model.doStreamCalls.length;
  const body = { ...question, user: 'repeats' };
  const first = await (await call('/api/v1/chat/completions', body)).json();
  const again = await call('/api/v1/chat/completions', body, { 'x-stainless-retry-count': '1' });
  expect((await again.json()) as object).toMatchObject({ id: (first as { id: string }).id });
  expect(analyst.model.doStreamCalls.length - calls).toBe(2);
  // One that does not say so is another one, and so is another key's.
  const anew = await (await call('/api/v1/chat/completions', body)).json();
  expect((anew as { id: string }).id).not.toBe((first as { id: string }).id);
});

test('CHAT-6: an Idempotency-Key is one request, and only that', async () => {
  const headers = { 'idempotency-key': 'k1' };
  const [one, other] = await Promise.all([
    call('/api/v1/chat/completions', question, headers).then((it) => it.json()),
    call('/api/v1/chat/completions', question, headers).then((it) => it.json()),
  ]);
  expect((one as { id: string }).id).toBe((other as { id: string }).id);
  const changed = await call('/api/v1/chat/completions', { ...question, n: 1 }, headers);
  expect(changed.status).toBe(409);
  expect(changed.headers.get('x-should-retry')).toBe('false');
});

test('CHAT-6: errors have the form of OpenAI’s', async () => {
  const unknown = await call('/api/v1/chat/completions', question, {
    authorization: 'Bearer mr_unknown',
  });
  expect(unknown.status).toBe(401);
  expect(await unknown.json()).toEqual({
    error: {
      message: 'The key is unknown or revoked. Make another one.',
      ...{ type: 'invalid_request_error', param: null, code: 'invalid_api_key' },
    },
  });
  const empty = await call('/api/v1/chat/completions', { model: 'm', messages: [] });
  expect(empty.status).toBe(400);
  expect(await empty.json()).toMatchObject({ error: { code: 'request_invalid' } });
});

test('CHAT-6: with a key any site’s page may call, without credentials; without one none may', async () => {
  const origin = 'https://elsewhere.example';
  const preflight = await desk.get('/api/v1/chat/completions', {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,x-stainless-retry-count',
    },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
  expect(preflight.headers.get('access-control-allow-credentials')).toBeNull();
  const allowed = await call('/api/v1/inference/stream', question, { origin });
  expect(allowed.headers.get('access-control-allow-origin')).toBe('*');
  await allowed.text();
  const refused = await desk.get('/api/v1/chat/completions', {
    ...{ method: 'POST', body: JSON.stringify(question) },
    headers: { origin, 'content-type': 'application/json' },
  });
  expect(refused.status).toBe(403);
});

test('CHAT-6: an answer is stopped by its id, from a page of any site, and ends nobody else’s', async () => {
  const origin = 'https://elsewhere.example';
  const body = { ...question, messages: [{ role: 'user', content: 'Wait' }] };
  const answer = await call('/api/v1/inference/stream', body, { origin });
  const runId = answer.headers.get('x-generation-id') ?? '';
  expect(answer.headers.get('access-control-expose-headers')).toMatch(
    /X-Generation-Id.*Retry-After/,
  );
  const preflight = await desk.get(`/api/v1/runs/${runId}/stop`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,idempotency-key,last-event-id',
    },
  });
  expect(preflight.headers.get('access-control-allow-headers')).toBe(
    'authorization,idempotency-key,last-event-id',
  );
  const made = await desk.ask('eve', '/api/keys', { body: { name: 'Hers' } });
  const { key: hers } = (await made.json()) as NewApiKeyAnswer;
  const stop = (authorization: string): Promise<Response> =>
    call(`/api/v1/runs/${runId}/stop`, {}, { origin, authorization });
  expect((await stop(`Bearer ${hers}`)).status).toBe(404);
  const stopped = await stop(`Bearer ${key}`);
  expect(stopped.headers.get('access-control-allow-origin')).toBe('*');
  expect([stopped.status, await stopped.json()]).toEqual([200, { stopped: true }]);
  expect(await answer.text()).toMatch(/\[DONE\]\n\n$/);
  expect(await (await stop(`Bearer ${key}`)).json()).toEqual({ stopped: false });
});

test('a key is told once, listed by its first letters, and counts until it is revoked', async () => {
  const made = await desk.ask('bob', '/api/keys', { body: { name: 'Short-lived' } });
  const { key: other, id } = (await made.json()) as NewApiKeyAnswer;
  const authorization = `Bearer ${other}`;
  expect((await desk.get('/api/v1/models', { headers: { authorization } })).status).toBe(200);
  const listed = await (await desk.ask('bob', '/api/keys')).text();
  expect(listed).not.toContain(other);
  expect(listed).toContain(other.slice(0, 9));
  expect((await desk.ask('bob', `/api/keys/${id}`, { method: 'DELETE' })).status).toBe(204);
  expect((await desk.get('/api/v1/models', { headers: { authorization } })).status).toBe(401);
  // It opens nothing else.
  expect(
    (await desk.get('/api/keys', { headers: { authorization: `Bearer ${key}` } })).status,
  ).toBe(401);
});

test('a full list of keys takes another one once one of them is revoked', async () => {
  const make = (): Promise<Response> => desk.ask('kay', '/api/keys', { body: { name: 'K' } });
  const { id } = (await (await make()).json()) as NewApiKeyAnswer;
  for (let count = 1; count < 100; count += 1) expect((await make()).status).toBe(201);
  expect((await make()).status).toBe(400);
  expect((await desk.ask('kay', `/api/keys/${id}`, { method: 'DELETE' })).status).toBe(204);
  expect((await make()).status).toBe(201);
  expect((await make()).status).toBe(400);
});

test('names map to models of the server’s provider, with the program’s parameters and tools', async () => {
  await using provider = await createModelServer();
  await using mapped = await startTestDesk({
    environment: {
      ...{ AI_BASE_URL: provider.url, AI_MODEL: 'small', OPENROUTER_API_KEY: 'server-key' },
      OPENAI_MODEL_MAP: 'gpt-4o=large,*=built-in-analyst',
      AI_MODELS: 'mine',
    },
  });
  provider.queue([{ toolCalls: [{ id: 'c1', name: 'weather', arguments: { city: 'Rome' } }] }]);
  const response = await mapped.get('/api/v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ model: 'gpt-4o', temperature: 0.1, max_tokens: 7 },
      messages: [
        { role: 'system', content: 'Be short.' },
        { role: 'user', content: 'Weather?' },
      ],
      tools: [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }],
    }),
  });
  expect(await response.json()).toMatchObject({
    model: 'large',
    choices: [
      { finish_reason: 'tool_calls', message: { tool_calls: [{ function: { name: 'weather' } }] } },
    ],
  });
  expect(provider.requests[0]?.body).toMatchObject({
    ...{ model: 'large', temperature: 0.1, max_tokens: 7 },
    messages: [
      { role: 'system', content: 'Be short.' },
      { role: 'user', content: 'Weather?' },
    ],
  });

  // Of a model of the server's users choose what it lists; a test of that costs it little, whatever they set.
  const settings = '/api/models/chatgpt_openai/ai';
  const choose = (aiModel: string): Promise<Response> =>
    mapped.get(settings, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ aiModel, parameters: { max_completion_tokens: 900_000 } }),
    });
  expect((await choose('dear')).status).toBe(400);
  expect((await choose('mine')).status).toBe(200);
  expect((await mapped.get(`${settings}/test`, { method: 'POST' })).status).toBe(200);
  expect(provider.requests[1]?.body).toMatchObject({ model: 'mine', max_completion_tokens: 1_000 });
});

// Bad input, case by case: a clear error with a documented code, in the one shape, and a server that goes on.

import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { startTestDesk, type TestDesk } from '../testing/test-desk.ts';

let desk: TestDesk;
beforeAll(async () => {
  desk = await startTestDesk();
});
afterAll(() => desk[Symbol.asyncDispose]());

const message = z.string().min(10);
const errorSchema = z.strictObject({
  error: z.union([
    z.strictObject({
      ...{ code: z.string(), message, retryable: z.boolean() },
      details: z.unknown().optional(),
    }),
    // OpenAI's.
    z.strictObject({ code: z.string(), message, type: z.string(), param: z.null() }),
  ]),
});

const json = { 'content-type': 'application/json' };

const CASES: readonly [string, string, RequestInit, number, string][] = [
  [
    'an unknown agent on the stream',
    '/api/chat/stream?agentId=nobody',
    {},
    404,
    'request/not-found',
  ],
  [
    'one unknown agent of two',
    '/api/chat/stream?agentId=gemini_grid,nobody',
    {},
    404,
    'request/not-found',
  ],
  ['an empty agent', '/api/chat/stream?agentId=', {}, 400, 'request/invalid'],
  ['a beat too fast', '/api/chat/stream?beat=10', {}, 400, 'request/invalid'],
  [
    'a malformed Last-Event-ID',
    '/api/chat/stream',
    { headers: { 'last-event-id': 'x' } },
    400,
    'cursor/malformed',
  ],
  [
    'an unknown agent of the history',
    '/api/chat/messages?agentId=nobody',
    {},
    404,
    'request/not-found',
  ],
  ['a limit of 0', '/api/chat/messages?limit=0', {}, 400, 'request/invalid'],
  ['a limit of 201', '/api/chat/messages?limit=201', {}, 400, 'request/invalid'],
  ['a limit that is no number', '/api/chat/messages?limit=1e2', {}, 400, 'request/invalid'],
  ['a bad cursor', '/api/chat/messages?after=yesterday', {}, 400, 'cursor/malformed'],
  ['a wrong method', '/api/chat/generate', {}, 405, 'request/method'],
  ['another wrong method', '/api/chat/messages', { method: 'DELETE' }, 405, 'request/method'],
  ['an unknown endpoint', '/api/nothing', {}, 404, 'request/not-found'],
  ['a missing file', '/assets/nothing.js', {}, 404, 'request/not-found'],
  [
    'broken JSON',
    '/api/sign-in',
    { method: 'POST', headers: json, body: '{"name":' },
    400,
    'request/invalid',
  ],
  [
    'a wrong type',
    '/api/sign-in',
    { method: 'POST', headers: json, body: '{"name":7}' },
    400,
    'request/invalid',
  ],
  [
    'an empty name',
    '/api/sign-in',
    { method: 'POST', headers: json, body: '{"name":" "}' },
    400,
    'request/invalid',
  ],
  [
    'a name with a line break',
    '/api/sign-in',
    { method: 'POST', headers: json, body: '{"name":"a\\nb"}' },
    400,
    'request/invalid',
  ],
  [
    'a form instead of JSON',
    '/api/sign-in',
    { method: 'POST', body: new URLSearchParams('name=a') },
    400,
    'request/invalid',
  ],
  [
    'a body nested deeper than anything is',
    '/api/v1/chat/completions',
    { method: 'POST', headers: json, body: `{"messages":${'['.repeat(1e6)}${']'.repeat(1e6)}}` },
    400,
    'request_invalid',
  ],
  ['an id with a NUL in the address', '/api/models/%00', {}, 400, 'request/invalid'],
  [
    'an id with a NUL in the body',
    '/api/models/buy_and_hold/runs/latest/chat-stop',
    { method: 'POST', headers: json, body: '{"runId":"\\u0000"}' },
    400,
    'request/invalid',
  ],
  [
    'an oversize body',
    '/api/sign-in',
    { method: 'POST', headers: json, body: `{"name":"${'a'.repeat(20_000)}"}` },
    413,
    'limit/body-size',
  ],
  [
    'a token that is none',
    '/api/me',
    { headers: { authorization: 'Bearer x.y.z' } },
    401,
    'auth/invalid',
  ],
  [
    'a credential of another kind',
    '/api/me',
    { headers: { authorization: 'Basic eA==' } },
    401,
    'auth/invalid',
  ],
  [
    'a cookie that was tampered with',
    '/api/market',
    { headers: { cookie: 'desk_session=x' } },
    401,
    'auth/invalid',
  ],
  [
    'a page of another site',
    '/api/me',
    { headers: { origin: 'https://evil.example' } },
    403,
    'auth/origin',
  ],
];

test.each(CASES)('%s is refused', async (_, path, init, status, code) => {
  const response = await desk.get(path, init);
  const body = errorSchema.parse(await response.json());
  expect({ status: response.status, code: body.error.code }).toEqual({ status, code });
  expect(response.headers.get('content-type')).toContain('application/json');
});

test('a body that never says how large it is, is cut off at the limit', async () => {
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue(new TextEncoder().encode('a'.repeat(4_096))),
  });
  const init = { method: 'POST', headers: json, body, duplex: 'half' as const };
  const response = await desk.get('/api/sign-in', init);
  expect(response.status).toBe(413);
});

test('a wrong method is told the right ones', async () => {
  expect((await desk.get('/api/chat/generate')).headers.get('allow')).toBe('POST');
});

test('after all of it the server answers as before', async () => {
  expect((await desk.get('/health')).status).toBe(200);
  expect((await desk.get('/api/chat/messages')).status).toBe(200);
});

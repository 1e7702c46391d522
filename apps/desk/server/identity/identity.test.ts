// Signing in by name in development, what the session opens, and what a token that does not count never does.

import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { startTestDesk, type TestDesk } from '../testing/test-desk.ts';
import { createTokens } from './tokens.ts';

let desk: TestDesk;
beforeAll(async () => {
  desk = await startTestDesk();
});
afterAll(() => desk[Symbol.asyncDispose]());

const user = z.object({ id: z.string(), name: z.string(), isAdmin: z.boolean() });
const me = z.object({ user, isSignedIn: z.boolean(), canSignInByName: z.boolean() });
const token = z.object({ token: z.string().nullable(), expiresAt: z.string().nullable() });

async function signIn(name: string) {
  const response = await desk.get('/api/sign-in', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  });
  const cookie = response.headers.get('set-cookie') ?? '';
  expect(cookie).toMatch(/^desk_session=.+; Path=\/;.*HttpOnly; SameSite=Lax$/);
  return { ...me.parse(await response.json()), cookie: cookie.split(';')[0] ?? '' };
}

const askMe = async (cookie: string) =>
  me.parse(await (await desk.get('/api/me', { headers: { cookie } })).json());

/** Status of a real-time stream opened with this authorization. */
async function linkStatus(headers: Record<string, string>): Promise<number> {
  const abort = new AbortController();
  const path = '/realtime/events?channel=agent_messages';
  const { status } = await desk.get(path, { headers, signal: abort.signal });
  abort.abort();
  return status;
}

test('without signing in everything answers as the development identity', async () => {
  const answer = me.parse(await (await desk.get('/api/me')).json());
  expect(answer).toMatchObject({ user: { id: 'developer', isAdmin: true }, isSignedIn: false });
  expect(token.parse(await (await desk.get('/api/token')).json()).token).toBeNull();
  expect(await linkStatus({})).toBe(200);
});

test('a name is one user whatever its case, also when two sign in at once, and is offered next time', async () => {
  const [ada, again] = await Promise.all([signIn('Ada Lovelace'), signIn('ada lovelace')]);
  expect(again.user.id).toBe(ada.user.id);
  expect(await askMe(ada.cookie)).toMatchObject({ user: ada.user, isSignedIn: true });
  const { users } = z
    .object({ users: z.array(user) })
    .parse(await (await desk.get('/api/users')).json());
  expect(users.filter(({ id }) => id === ada.user.id)).toHaveLength(1);
});

test('a session survives a restart, and another browser is another person', async () => {
  const ada = await signIn('Ada');
  const grace = await signIn('Grace');
  await desk.restart();
  expect((await askMe(ada.cookie)).user.name).toBe('Ada');
  expect((await askMe(grace.cookie)).user.name).toBe('Grace');
});

test('signing out takes the cookie away', async () => {
  const { cookie } = await signIn('Ada');
  const headers = { cookie, 'sec-fetch-site': 'same-origin' };
  const response = await desk.get('/api/sign-out', { method: 'POST', headers });
  expect(response.status).toBe(204);
  expect(response.headers.get('set-cookie')).toMatch(/^desk_session=;.*Max-Age=0/);
});

test('the real-time token opens a link and no endpoint, and ends within minutes', async () => {
  const { cookie } = await signIn('Ada');
  const answer = token.parse(await (await desk.get('/api/token', { headers: { cookie } })).json());
  const authorization = `Bearer ${answer.token}`;
  expect(await linkStatus({ authorization })).toBe(200);
  expect((await desk.get('/api/me', { headers: { authorization } })).status).toBe(401);
  const lifeMs = Date.parse(answer.expiresAt ?? '') - Date.now();
  expect(lifeMs).toBeGreaterThan(60_000);
  expect(lifeMs).toBeLessThanOrEqual(600_000);
});

test('a token of another secret is refused everywhere, and never taken for the development identity', async () => {
  const forged = await createTokens('another secret altogether').sign(
    { id: 'developer', name: 'Developer', isAdmin: true },
    'desk-session',
  );
  const authorization = `Bearer ${forged.token}`;
  expect((await desk.get('/api/me', { headers: { authorization } })).status).toBe(401);
  expect(await linkStatus({ authorization })).toBe(401);
  expect(
    await linkStatus({ cookie: `desk_session=${forged.token}`, 'sec-fetch-site': 'same-origin' }),
  ).toBe(401);
});

test('a cookie that no longer counts is taken away by the first question of the page', async () => {
  const response = await desk.get('/api/me', { headers: { cookie: 'desk_session=old' } });
  expect(me.parse(await response.json()).isSignedIn).toBe(false);
  expect(response.headers.get('set-cookie')).toMatch(/^desk_session=; Path=\/; Max-Age=0/);
});

test('another site cannot act with the session of this one', async () => {
  const { cookie } = await signIn('Ada');
  const call = async (headers: Record<string, string>): Promise<number> =>
    (await desk.get('/api/chat/generate', { method: 'POST', headers: { cookie, ...headers } }))
      .status;
  expect(await call({ origin: 'https://evil.example' })).toBe(403);
  expect(await call({ origin: 'null' })).toBe(403);
  expect(await call({ 'sec-fetch-site': 'cross-site' })).toBe(403);
  expect(await call({})).toBe(403);
  expect(await call({ origin: desk.address })).toBe(200);
});

test('a name that resolves to this machine does not make another site its own', async () => {
  const { request } = await import('node:http');
  const status = await new Promise((resolve) => {
    const { port } = new URL(desk.address);
    const headers = { host: `evil.example:${port}`, origin: `http://evil.example:${port}` };
    request({ port, host: '127.0.0.1', path: '/api/me', headers }, (answer) => {
      resolve(answer.statusCode);
      answer.resume();
    }).end();
  });
  expect(status).toBe(403);
});

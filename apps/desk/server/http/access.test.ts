// The access table, walked in production: who gets in where, and that no route stands outside of it.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTokens } from '../identity/tokens.ts';
import { SILENT_LOG } from '../log.ts';
import { readSettings } from '../settings/read.ts';
import { startTestDesk, type TestDesk } from '../testing/test-desk.ts';
import { ENDPOINTS, type Endpoint } from './access.ts';
import { createApp } from './app.ts';
import type { Services } from './services.ts';

const SECRET = 'session-secret-of-the-test';
const CRON = 'cron-secret-of-the-test';
const production = {
  NODE_ENV: 'production',
  SESSION_SECRET: SECRET,
  CRON_SECRET: CRON,
  TRUST_PROXY: '127.0.0.1',
};

let desk: TestDesk;
beforeAll(async () => {
  desk = await startTestDesk({ environment: production });
});
afterAll(() => desk[Symbol.asyncDispose]());

type Caller = 'nobody' | 'user' | 'admin' | 'cron';
const CALLERS: readonly Caller[] = ['nobody', 'user', 'admin', 'cron'];

async function authorizationOf(caller: Caller): Promise<Record<string, string>> {
  if (caller === 'nobody') return {};
  if (caller === 'cron') return { 'x-cron-secret': CRON };
  const user = { id: caller, name: caller, isAdmin: caller === 'admin' };
  const { token } = await createTokens(SECRET).sign(user, 'desk-session');
  return { authorization: `Bearer ${token}` };
}

async function statusFor(endpoint: Endpoint, caller: Caller): Promise<number> {
  const abort = new AbortController();
  const response = await desk.get(endpoint.path, {
    method: endpoint.method,
    headers: { 'x-forwarded-proto': 'https', ...(await authorizationOf(caller)) },
    signal: abort.signal,
  });
  abort.abort();
  return response.status;
}

function isLetIn(endpoint: Endpoint, caller: Caller): boolean {
  if (endpoint.access === 'public' || caller === 'admin') return true;
  if (caller === 'cron') return endpoint.takesCronSecret === true;
  return endpoint.access === 'user' && caller === 'user';
}

test.each(ENDPOINTS.flatMap((endpoint) => CALLERS.map((caller) => ({ endpoint, caller }))))(
  '$endpoint.method $endpoint.path ($endpoint.access) called by $caller',
  async ({ endpoint, caller }) => {
    const status = await statusFor(endpoint, caller);
    expect([401, 403].includes(status)).toBe(!isLetIn(endpoint, caller));
  },
);

test('no route stands outside of the table', () => {
  const services = { settings: readSettings({}), log: SILENT_LOG, pageFolder: '/' };
  const { routes } = createApp(services as unknown as Services);
  const own = routes.filter(({ path }) => path !== '/*' && path !== '*' && path !== '/api/*');
  const listed = ENDPOINTS.map(({ method, path }) => `${method} ${path}`);
  expect(new Set(own.map(({ method, path }) => `${method} ${path}`))).toEqual(new Set(listed));
});

test('production answers plain HTTP with a refusal, but for health', async () => {
  expect((await desk.get('/api/me')).status).toBe(403);
  expect((await desk.get('/')).status).toBe(403);
  expect((await desk.get('/realtime/events?channel=agent_messages')).status).toBe(403);
  expect((await desk.get('/health')).status).toBe(200);
});

test('production has no sign-in by name, and says so', async () => {
  const headers = { 'x-forwarded-proto': 'https', 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body: '{"name":"Ada"}' };
  expect((await desk.get('/api/sign-in', init)).status).toBe(404);
  expect((await desk.get('/api/users', { headers })).status).toBe(404);
  const me = await (await desk.get('/api/me', { headers })).json();
  expect(me).toEqual({ user: null, isSignedIn: false, canSignInByName: false });
});

test('a wrong cron secret is refused, and so is a secret where none is set', async () => {
  const call = (secret: string): Promise<Response> =>
    desk.get('/api/chat/generate', {
      method: 'POST',
      headers: { 'x-forwarded-proto': 'https', 'x-cron-secret': secret },
    });
  expect((await call(`${CRON}x`)).status).toBe(403);
  expect((await call('')).status).toBe(403);
  await desk.restart({ CRON_SECRET: '' });
  const refused = await call('');
  expect(refused.status).toBe(403);
  expect(await refused.text()).toContain('No CRON_SECRET is set');
  await desk.restart();
});

test('a session cookie is bound to HTTPS and this host in production', async () => {
  const headers = { 'x-forwarded-proto': 'https', cookie: '__Host-desk_session=broken' };
  const response = await desk.get('/api/me', { headers });
  expect(response.status).toBe(200);
  expect(response.headers.get('set-cookie')).toMatch(/^__Host-desk_session=; .*Max-Age=0.*Secure/);
});

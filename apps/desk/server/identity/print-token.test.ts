// The command that gives an operator a token, run as a process against a Desk in production.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startTestDesk } from '../testing/test-desk.ts';

const SECRET = 'session-secret-of-the-test';
const COMMAND = join(import.meta.dirname, 'print-token.ts');

async function printToken(environment: Record<string, string>) {
  const child = spawn(process.execPath, ['--conditions=@millrace/source', COMMAND], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const [code] = await once(child, 'close');
  return { code, token: output.trim(), errors };
}

test('the printed token makes agents write in production without a cron secret, and no other does', async () => {
  await using desk = await startTestDesk({
    environment: { NODE_ENV: 'production', SESSION_SECRET: SECRET, TRUST_PROXY: '127.0.0.1' },
  });
  const generate = async (token: string): Promise<number> => {
    const headers = { 'x-forwarded-proto': 'https', authorization: `Bearer ${token}` };
    return (await desk.get('/api/chat/generate', { method: 'POST', headers })).status;
  };
  const printed = await printToken({ SESSION_SECRET: SECRET });
  expect(printed.code).toBe(0);
  expect(printed.errors).toContain('valid until');
  expect(await generate(printed.token)).toBe(200);
  const foreign = await printToken({ SESSION_SECRET: 'the-secret-of-another-desk' });
  expect(await generate(foreign.token)).toBe(403);
});

test('in development it is signed with the secret beside the data', async () => {
  await using desk = await startTestDesk({ environment: { DEV_SIGN_IN: 'off' } });
  const { token } = await printToken({ DATA_DIR: desk.folder });
  const headers = { authorization: `Bearer ${token}` };
  expect((await desk.get('/api/realtime/stats')).status).toBe(401);
  expect((await desk.get('/api/realtime/stats', { headers })).status).toBe(200);
});

test('settings that Desk would not start with give no token, but every reason', async () => {
  const { code, token, errors } = await printToken({ NODE_ENV: 'production' });
  expect({ code, token }).toEqual({ code: 1, token: '' });
  expect(errors).toMatch(/SESSION_SECRET is missing[\s\S]*TRUST_PROXY is missing/);
});

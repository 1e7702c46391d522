// The recipe for an outside schedule, run as written: the command of railway.json against a Desk in production.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { isCronExpression } from '../settings/cron-expression.ts';
import { startTestDesk, type TestDesk } from '../testing/test-desk.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..', '..');
const SECRET = 'cron-secret-of-the-recipe';

let desk: TestDesk;
let address = '';
// Stands for the proxy at which HTTPS ends.
const proxy = createServer((incoming, outgoing) => {
  const headers = { ...incoming.headers, 'x-forwarded-proto': 'https' };
  incoming.pipe(
    request(`${desk.address}${incoming.url}`, { method: incoming.method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    }),
  );
});
beforeAll(async () => {
  desk = await startTestDesk({
    environment: {
      NODE_ENV: 'production',
      SESSION_SECRET: 'session-secret-of-the-recipe',
      CRON_SECRET: SECRET,
      TRUST_PROXY: '127.0.0.1',
    },
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const at = proxy.address();
  address = `http://127.0.0.1:${typeof at === 'object' && at !== null ? at.port : 0}`;
});
afterAll(async () => {
  proxy.close();
  proxy.closeAllConnections();
  await desk[Symbol.asyncDispose]();
});

const config = z.object({
  deploy: z.object({ startCommand: z.string(), cronSchedule: z.string() }),
});

async function run(environment: Record<string, string>) {
  const text = await readFile(join(ROOT, 'railway.json'), 'utf8');
  const { startCommand, cronSchedule } = config.parse(JSON.parse(text)).deploy;
  expect(isCronExpression(cronSchedule)).toBe(true);
  const child = spawn(startCommand, {
    shell: true,
    cwd: ROOT,
    env: { PATH: process.env['PATH'], ...environment },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const [code] = await once(child, 'close');
  return { code, output };
}

test("the platform's command makes ten messages with the secret", async () => {
  const { code, output } = await run({ DESK_URL: address, CRON_SECRET: SECRET });
  expect(output).toContain('Generated 10 messages');
  expect(code).toBe(0);
});

test('a wrong secret, or nobody there, is told and ends with 1', async () => {
  const wrong = await run({ DESK_URL: address, CRON_SECRET: 'not-the-secret-at-all' });
  expect(wrong).toMatchObject({ code: 1, output: expect.stringContaining('403') });
  const nobody = await run({ DESK_URL: 'http://127.0.0.1:9', CRON_SECRET: SECRET });
  expect(nobody.code).toBe(1);
});

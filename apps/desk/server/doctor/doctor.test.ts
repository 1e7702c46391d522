// The doctor on a real Desk: all well, then with faults between, each named with what to do about it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestDesk, type TestDesk } from '../testing/test-desk.ts';
import { CHECKS, examine, summarize } from './examine.ts';
import { type DoctorOptions, readDoctorOptions } from './options.ts';

let desk: TestDesk;
beforeAll(async () => {
  desk = await startTestDesk();
});
afterAll(() => desk[Symbol.asyncDispose]());

async function examineAt(url: string, more: Partial<DoctorOptions> = {}, only?: readonly string[]) {
  const lines: string[] = [];
  const options = { url, token: null, isGenerating: true, origin: null, ...more };
  const outcomes = await examine(
    { options, say: (line) => lines.push(line) },
    CHECKS.filter(({ name }) => only?.includes(name) ?? true),
  );
  const results = Object.fromEntries(outcomes.map(({ name, outcome }) => [name, outcome.result]));
  return { lines, results, summary: summarize(outcomes) };
}

/** A reverse proxy without upgrades; `holdMs` gathers what an answer's body says before passing it on. */
async function startProxy(options: {
  readonly holdMs: number;
}): Promise<{ url: string; close(): void }> {
  const server: Server = createServer((incoming, outgoing) => {
    const upstream = httpRequest(
      `${desk.address}${incoming.url}`,
      { method: incoming.method, headers: incoming.headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        outgoing.flushHeaders();
        let held: Buffer[] = [];
        const pass = (): void => {
          for (const chunk of held) outgoing.write(chunk);
          held = [];
        };
        const timer = options.holdMs === 0 ? undefined : setInterval(pass, options.holdMs);
        answer.on('data', (chunk: Buffer) => {
          held.push(chunk);
          if (timer === undefined) pass();
        });
        answer.on('end', () => {
          clearInterval(timer);
          pass();
          outgoing.end();
        });
        outgoing.on('close', () => {
          clearInterval(timer);
          answer.destroy();
        });
      },
    );
    upstream.on('error', () => outgoing.destroy());
    incoming.pipe(upstream);
  });
  server.on('upgrade', (_, socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const at = server.address();
  return {
    url: `http://127.0.0.1:${typeof at === 'object' && at !== null ? at.port : 0}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

test('a healthy Desk passes everything, and the lines are as documented', async () => {
  const { lines, results, summary } = await examineAt(desk.address);
  expect(new Set(Object.values(results))).toEqual(new Set(['PASS', 'SKIP']));
  expect(lines).toContain('Connected! Status: 200');
  expect(lines).toContain('Heartbeat received (1)');
  expect(lines).toContain('Generated 10 messages');
  const received = lines.filter((line) => line.startsWith('Message received: '));
  expect(received).toHaveLength(10);
  for (const line of received) {
    expect(line).toMatch(/^Message received: type=(analysis|trade|opinion), agentId=[a-z_]+$/);
  }
  expect(summary).toContain('PASS | SSE Connection');
  expect(summary).toContain('PASS | Message Generation');
});

test('a proxy that gathers the stream is named, with what to do; without upgrades WebSocket is, too', async () => {
  const proxy = await startProxy({ holdMs: 4_000 });
  try {
    const { results, summary } = await examineAt(proxy.url, {}, [
      'SSE Connection',
      'WebSocket Transport',
    ]);
    expect(results).toMatchObject({ 'SSE Connection': 'FAIL', 'WebSocket Transport': 'FAIL' });
    expect(summary).toContain('proxy_buffering off');
    expect(summary).toContain('proxy_set_header Upgrade');
  } finally {
    proxy.close();
  }
});

test('a deployment that asks for a secret says so, and --token is what it wants', async () => {
  const secret = 'cron-secret-of-the-doctor';
  await desk.restart({
    NODE_ENV: 'production',
    SESSION_SECRET: 'session-secret-of-the-doctor',
    CRON_SECRET: secret,
    TRUST_PROXY: '127.0.0.1',
  });
  // Stands for the proxy at which HTTPS ends.
  const https = createServer((incoming, outgoing) => {
    const headers = { ...incoming.headers, 'x-forwarded-proto': 'https' };
    const upstream = httpRequest(
      `${desk.address}${incoming.url}`,
      { method: incoming.method, headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        outgoing.flushHeaders();
        answer.pipe(outgoing);
        outgoing.on('close', () => answer.destroy());
      },
    );
    upstream.on('error', () => outgoing.destroy());
    incoming.pipe(upstream);
  });
  https.on('upgrade', (_, socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  https.listen(0, '127.0.0.1');
  await once(https, 'listening');
  const at = https.address();
  const url = `http://127.0.0.1:${typeof at === 'object' && at !== null ? at.port : 0}`;
  try {
    const generation = ['Message Generation'];
    const without = await examineAt(url, {}, generation);
    expect(without.results['Message Generation']).toBe('FAIL');
    expect(without.summary).toContain('--token');
    const given = await examineAt(url, { token: secret }, generation);
    expect(given.results['Message Generation']).toBe('PASS');
  } finally {
    https.close();
    https.closeAllConnections();
    await desk.restart();
  }
});

test('plain HTTP to a production Desk is one FAIL that speaks of HTTPS and the proxy, not of tokens', async () => {
  await desk.restart({
    ...{ NODE_ENV: 'production', DEV_SIGN_IN: 'off', TRUST_PROXY: '127.0.0.1' },
    SESSION_SECRET: 'a-session-secret-for-a-test',
  });
  try {
    const { results, summary } = await examineAt(desk.address);
    expect(results).toEqual({ Health: 'FAIL' });
    expect(summary).toMatch(/https:\/\/ address.*X-Forwarded-Proto.*TRUST_PROXY/);
    expect(summary).not.toContain('--token');
  } finally {
    await desk.restart();
  }
});

test('pages of another site are checked where asked', async () => {
  const refused = await examineAt(desk.address, { origin: 'https://app.example' }, [
    'Cross-Origin Access',
  ]);
  expect(refused.results['Cross-Origin Access']).toBe('FAIL');
  expect(refused.summary).toContain('ORIGINS');
});

test('where nothing answers it says so once, and exits with 1', async () => {
  const child = spawn(
    process.execPath,
    ['--conditions=@millrace/source', join(import.meta.dirname, 'main.ts'), 'http://127.0.0.1:9'],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const [code] = await once(child, 'close');
  expect(code).toBe(1);
  expect(output).toContain('FAIL | Health');
  expect(output).toContain('npm start');
  expect(output.match(/FAIL/g)).toHaveLength(1);
});

test('the arguments are read as documented, and others are refused with the usage', () => {
  expect(readDoctorOptions([], undefined).url).toBe('http://127.0.0.1:3000');
  expect(readDoctorOptions([], '4000').url).toBe('http://127.0.0.1:4000');
  const all = ['https://desk.example/', '--no-generate', '--token', 'T', '--origin', 'https://a.b'];
  expect(readDoctorOptions(all, undefined)).toEqual({
    ...{ url: 'https://desk.example', token: 'T', isGenerating: false, origin: 'https://a.b' },
  });
  expect(() => readDoctorOptions(['ftp://x'], undefined)).toThrow(/npm run doctor/);
  expect(() => readDoctorOptions(['--loud'], undefined)).toThrow(/npm run doctor/);
});

// Desk as a process: one plain line when it cannot start, a clean end, and everything there after a kill.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { fillDataFolder } from './testing/data-template.ts';
import { eventually } from './testing/eventually.ts';

const MAIN = join(import.meta.dirname, 'main.ts');

interface Process {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly errors: () => string;
  /** The address it said, once it is open. */
  open(): Promise<string>;
  ended(): Promise<number | null>;
}

const running: ChildProcess[] = [];
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'desk-main-'));
  await fillDataFolder(join(folder, 'data'));
});
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

const { PATH, NODE_COMPILE_CACHE } = process.env;
const inherited = { PATH, NODE_COMPILE_CACHE };

function start(environment: Record<string, string>): Process {
  const child = spawn(process.execPath, ['--conditions=@millrace/source', MAIN], {
    env: { ...inherited, PORT: '0', DATA_DIR: join(folder, 'data'), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const exited = once(child, 'close').then(() => child.exitCode);
  return {
    child,
    output: () => output,
    errors: () => errors,
    open: () => eventually('Desk opened', () => /Desk is open at (\S+)/.exec(output)?.[1], 20_000),
    ended: () => exited,
  };
}

test('bad settings end the start with every problem on a plain line, and no stack', async () => {
  const desk = start({ PORT: 'three', LOG_LEVEL: 'loud', SESSION_SECRET: 'short-secret' });
  expect(await desk.ended()).toBe(1);
  expect(desk.errors()).toMatch(/PORT is "three".*\n.*LOG_LEVEL is "loud"/);
  expect(desk.errors()).not.toContain('short-secret');
  expect(desk.errors()).not.toMatch(/^\s+at /m);
});

test('a busy port is one plain line', async () => {
  const blocker = createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  const at = blocker.address();
  const port = typeof at === 'object' && at !== null ? at.port : 0;
  const desk = start({ PORT: String(port), DATA_DIR: join(folder, 'busy') });
  expect(await desk.ended()).toBe(1);
  expect(desk.errors().trim().split('\n')).toHaveLength(1);
  expect(desk.errors()).toContain(`Port ${port} is taken`);
  blocker.close();
});

const page = z.object({ messages: z.array(z.object({ id: z.string() })), next: z.string() });
const market = z.object({ tick: z.object({ tick: z.number(), quotes: z.unknown() }) });

test('a second start on the same folder is one plain line and harms nothing; a killed Desk goes on where it was', async () => {
  const quick = {
    MARKET_TICK_MS: '50',
    MARKET_SAVE_TICKS: '7',
    MARKET_WARM_UP_TICKS: '20',
    CHAT_EVERY_MS: '0',
  };
  const first = start(quick);
  const address = await first.open();
  const lines = first.output().trim().split('\n').slice(0, -1);
  for (const line of lines) {
    expect(JSON.parse(line)).toMatchObject({ time: expect.any(String), step: expect.any(String) });
  }

  const second = start(quick);
  expect(await second.ended()).toBe(1);
  expect(second.errors().trim().split('\n')).toHaveLength(1);
  expect(second.errors()).toContain(`is in use by process ${first.child.pid}. Stop it,`);

  await fetch(`${address}/api/chat/generate`, { method: 'POST' });
  const before = page.parse(await (await fetch(`${address}/api/chat/messages`)).json());
  expect(before.messages).toHaveLength(10);
  const told = market.parse(await (await fetch(`${address}/api/market`)).json()).tick.tick;
  first.child.kill('SIGKILL');
  await first.ended();

  const third = start(quick);
  const again = await third.open();
  expect(page.parse(await (await fetch(`${again}/api/chat/messages`)).json())).toEqual(before);
  const since = page.parse(
    await (await fetch(`${again}/api/chat/messages?after=${before.next}`)).json(),
  );
  expect(since.messages).toEqual([]);
  const tick = await eventually('the market ticked', async () => {
    const answer = market.safeParse(await (await fetch(`${again}/api/market`)).json());
    return answer.success ? answer.data.tick.tick : undefined;
  });
  expect(tick).toBeGreaterThanOrEqual(told);

  const stream = await fetch(`${again}/api/chat/stream`);
  third.child.kill('SIGTERM');
  expect(await third.ended()).toBe(0);
  await stream.body?.cancel().catch(() => undefined);
  expect(third.output()).toContain('"step":"market kept"');
});

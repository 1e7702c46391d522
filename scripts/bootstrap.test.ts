// The bootstrap from outside: a workspace of its own, the real vite, and an npm that only fails.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const source = resolve(import.meta.dirname, '..');
let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-bootstrap-'));
  mkdirSync(join(root, 'scripts/lib'), { recursive: true });
  mkdirSync(join(root, 'node_modules'));
  cpSync(join(source, 'scripts/bootstrap.mjs'), join(root, 'scripts/bootstrap.mjs'));
  for (const name of readdirSync(join(source, 'scripts/lib')).filter((each) =>
    each.endsWith('.mjs'),
  )) {
    cpSync(join(source, 'scripts/lib', name), join(root, 'scripts/lib', name));
  }
  for (const name of readdirSync(join(source, 'node_modules'))) {
    if (/^(node-(linux|win)-|vite$|rolldown$)/.test(name)) {
      symlinkSync(join(source, 'node_modules', name), join(root, 'node_modules', name));
    }
  }
  const lock = JSON.stringify({ packages: { '': {}, 'node_modules/a': { version: '1.0.0' } } });
  writeFileSync(join(root, 'package-lock.json'), lock);
  writeFileSync(join(root, 'node_modules/.package-lock.json'), lock);
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

it('is quiet when there is nothing to do, and ends with the code of what it ran', async () => {
  const { code, output } = await ended(bootstrap(['run', '-e', 'process.exit(7)']));
  expect({ code, output }).toEqual({ code: 7, output: '' });
});

it('runs on the pinned Node and resolves packages to their sources', async () => {
  const script = 'console.log(process.execPath, process.execArgv[0])';
  const { output } = await ended(bootstrap(['run', '-e', script]));
  expect(output).toMatch(/node-\w+-\w+\S* --conditions=@millrace\/source\n/);
});

it('passes a signal on and waits for the answer', async () => {
  const script =
    "process.on('SIGTERM', () => process.exit(5)); setInterval(() => {}, 1000); console.log('up')";
  const child = bootstrap(['run', '-e', script]);
  if (child.stdout === null) throw new Error('no output to wait for');
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  expect((await ended(child)).code).toBe(5);
});

it('ends what it runs when npm was stopped, whose shell passes no signal on', async () => {
  const script =
    "process.on('SIGTERM', () => { console.log('told'); process.exit(); }); setInterval(() => {}, 1000); console.log('up')";
  // Not the last command, so that no shell puts it in its own place.
  const command = `"$NODE" scripts/bootstrap.mjs run -e "$SCRIPT"; true`;
  const shell = spawn('/bin/sh', ['-c', command], {
    cwd: root,
    env: { ...process.env, NODE: process.execPath, SCRIPT: script, npm_lifecycle_event: 'start' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const end = ended(shell);
  await once(shell.stdout, 'data');
  shell.kill('SIGTERM');
  expect((await end).output).toBe('up\ntold\n');
});

it.each([
  ['npm error code ENOTFOUND', 'npm does not reach its registry'],
  ['npm error code ENOSPC', 'the disk is full'],
  ['npm error code EACCES', 'cannot be written'],
  ['npm error something new', 'Cannot install: something new'],
])('says in one line why it cannot install: %s', async (said, explained) => {
  writeFileSync(join(root, 'package-lock.json'), '{"packages":{"node_modules/a":{"version":"2"}}}');
  const npm = join(root, 'npm.js');
  writeFileSync(npm, `console.error(${JSON.stringify(said)}); process.exit(1);`);
  const { code, output } = await ended(bootstrap(['run', '-e', '0'], { npm_execpath: npm }));
  expect(code).toBe(1);
  expect(output.trim().split('\n')).toHaveLength(2);
  expect(output).toMatch(/^Installing dependencies .* failed\n/);
  expect(output).toContain(explained);
});

it('does not install again what npm install has brought already', async () => {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8').replace('1.0.0', '2.0.0');
  writeFileSync(join(root, 'package-lock.json'), lock);
  writeFileSync(join(root, 'node_modules/.package-lock.json'), lock);
  const { code, output } = await ended(bootstrap(['run', '-e', '0']));
  expect({ code, output }).toEqual({ code: 0, output: '' });
});

it('builds the page once, and again only when the contents of its sources change', async () => {
  const page = join(root, 'apps/desk/web/index.html');
  mkdirSync(join(root, 'apps/desk/web'), { recursive: true });
  writeFileSync(page, '<title>one</title>');
  expect((await ended(bootstrap(['page']))).output).toMatch(/^Building Desk's page … [\d.]+ s\n$/);
  utimesSync(page, new Date(), new Date(Date.now() + 60_000));
  expect((await ended(bootstrap(['page']))).output).toBe('');
  writeFileSync(page, '<title>two</title>');
  expect((await ended(bootstrap(['page']))).output).toContain('Building');
  expect(readFileSync(join(root, 'apps/desk/web/dist/index.html'), 'utf8')).toContain('two');
});

it('names the ways to call it when called in another way', async () => {
  const { code, output } = await ended(bootstrap(['fly']));
  expect(code).toBe(1);
  expect(output).toMatch(/^usage: bootstrap\.mjs start \| test/);
});

function bootstrap(args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, ['scripts/bootstrap.mjs', ...args], {
    cwd: root,
    env: { ...process.env, npm_execpath: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function ended(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((done) => child.on('close', done));
  return { code, output };
}

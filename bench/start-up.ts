// How long from `npm start` to the page, the first time and later?
//
// A fresh clone of this repository's last commit in a temporary folder, with an empty npm cache, run
// with the npm and Node of the shell and not the pinned one, as a newcomer would. From the command to
// the line with the address, and to a Floor with prices painted in Chromium. Later: the same clone
// again, nothing to install, its database there.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { type Chromium, freePort, openChromium, tempFolder, until } from '@millrace/tests';
import type { Bench, BenchOptions, Findings } from './lib/bench.ts';

const root = join(import.meta.dirname, '..');

interface Start {
  readonly answersMs: number;
  readonly paintedMs: number;
}

export const startUp: Bench = {
  name: 'start-up',
  question: 'How long from npm start to the page, the first time and later?',
  method:
    "A fresh clone of the last commit with an empty npm cache: `npm start` with the shell's own Node, until the address is printed, and until Chromium (open already) has painted the Floor's prices. Later starts: the same clone, nothing to install or build. The first time depends on the package registry and the network to it.",
  run,
};

async function run({ runs = 5 }: BenchOptions): Promise<Findings> {
  await using chromium = await openChromium();
  const first: Start[] = [];
  const later: Start[] = [];
  // A first start downloads some 250 packages: two of them tell enough.
  for (let clone = 0; clone < Math.min(2, runs); clone += 1) {
    await using folder = await tempFolder();
    const project = join(folder.path, 'project');
    const cache = join(folder.path, 'npm-cache');
    execFileSync('git', [
      '-c',
      'advice.detachedHead=false',
      'clone',
      '--quiet',
      '--no-hardlinks',
      root,
      project,
    ]);
    first.push(await measure(chromium, project, cache));
    if (clone > 0) continue;
    for (let run = 0; run < runs; run += 1) later.push(await measure(chromium, project, cache));
  }
  return {
    figures: [
      { label: 'first time, address printed', unit: 's', values: seconds(first, 'answersMs') },
      {
        label: 'first time, prices on the screen',
        unit: 's',
        values: seconds(first, 'paintedMs'),
        goal: { atMost: 60 },
      },
      { label: 'later, address printed', unit: 's', values: seconds(later, 'answersMs') },
      { label: 'later, prices on the screen', unit: 's', values: seconds(later, 'paintedMs') },
    ],
  };
}

function seconds(starts: readonly Start[], which: keyof Start): number[] {
  return starts.map((start) => start[which] / 1_000);
}

async function measure(chromium: Chromium, project: string, cache: string): Promise<Start> {
  await using test = await chromium.newPage();
  const port = await freePort();
  const begunAt = performance.now();
  const npm = startNpm(project, cache, port);
  try {
    await until(() => npm.hasEnded() || npm.output().includes('Desk is open'), {
      label: 'npm start to open Desk',
      deadlineMs: 300_000,
      everyMs: 5,
      details: npm.output,
    });
    if (npm.hasEnded()) throw new Error(`npm start ended:\n${npm.output()}`);
    const answersMs = performance.now() - begunAt;
    await test.page.goto(`http://127.0.0.1:${port}/`);
    await test.page.locator('ul[aria-label="Prices"] li').nth(1).waitFor();
    return { answersMs, paintedMs: performance.now() - begunAt };
  } finally {
    await npm.stop();
  }
}

interface Npm {
  output(): string;
  hasEnded(): boolean;
  stop(): Promise<void>;
}

function startNpm(project: string, cache: string, port: number): Npm {
  // In a process group of its own, so that npm, the bootstrap and Desk end together.
  const child = spawn('npm', ['start'], {
    cwd: project,
    detached: true,
    env: { ...shellEnvironment(), PORT: `${port}`, npm_config_cache: cache },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    output: () => output,
    hasEnded,
    async stop() {
      if (!hasEnded()) signalGroup(child, 'SIGTERM');
      const cutOff = setTimeout(() => signalGroup(child, 'SIGKILL'), 10_000);
      await closed;
      clearTimeout(cutOff);
    },
  };
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid !== undefined) process.kill(-pid, signal);
}

/** Without what `npm run bench` put there: the pinned Node first in PATH, npm's own variables. */
function shellEnvironment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('npm_') && name !== 'NODE_OPTIONS',
  );
  const path = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules'))
    .join(delimiter);
  return { ...Object.fromEntries(inherited), PATH: path };
}

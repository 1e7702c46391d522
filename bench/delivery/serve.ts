// Starts a contestant on a core of its own and ends it; what it needs beyond Node is fetched when it is wanted.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, until } from '@millrace/tests';
import { makeToken } from '../servers/token.ts';
import { cacheFolder, compilePrograms } from './compile.ts';
import { type ContestantName, contestants } from './contestants.ts';
import type { Target } from './load-arguments.ts';
import { writeNchanConfig } from './nchan.ts';
import { bunFile } from './peer-packages.ts';

export const serverCore = '0';
const loadCore = '1';

export interface Served extends Target, AsyncDisposable {}

/** What a bench changes about a server. */
export interface ServeOptions {
  /** As `taskset` names them. Default: one of its own. */
  readonly cores?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export async function serve(
  name: ContestantName,
  { cores = serverCore, env: more }: ServeOptions = {},
): Promise<Served> {
  const port = await freePort();
  const controlPort = await freePort();
  const [file, ...args] = commandOf(name, port, controlPort);
  const { runs } = contestants[name];
  const env = runs.by === 'node' ? runs.env : {};
  const child = spawn(...pinned(cores, file ?? '', args), {
    env: { ...process.env, ...env, ...more, PORT: `${port}`, CONTROL_PORT: `${controlPort}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const endWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', endWithUs);
  const output = keepOutput(child);
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const end = async (): Promise<void> => {
    if (!hasEnded()) child.kill('SIGTERM');
    const cutOff = setTimeout(endWithUs, 3_000);
    await closed;
    clearTimeout(cutOff);
    process.off('exit', endWithUs);
  };
  try {
    await until(() => hasEnded() || isListening(runs.by, port, output()), {
      label: `${name} to listen`,
      deadlineMs: 20_000,
      details: output,
    });
    if (hasEnded()) throw new Error(`${name} ended before it listened\n${output()}`);
  } catch (error) {
    await end();
    throw error;
  }
  return {
    label: name,
    ports: [port],
    controlPort,
    pids: [child.pid ?? 0, ...childrenOf(child.pid ?? 0)],
    tokensFile: tokensFile(),
    [Symbol.asyncDispose]: end,
  };
}

/** The load client beside it, on these cores, and what it printed. @throws Error with what it said when it failed */
export async function runLoad(args: readonly string[], cores: string = loadCore): Promise<string> {
  const { load } = compilePrograms();
  const child = spawn(...pinned(cores, load, args), { stdio: ['ignore', 'pipe', 'pipe'] });
  const endWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', endWithUs);
  let printed = '';
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  process.off('exit', endWithUs);
  if (code !== 0) throw new Error(`the load client ended with ${code}: ${said}\n${printed}`);
  return printed;
}

function commandOf(name: ContestantName, port: number, controlPort: number): string[] {
  const { runs } = contestants[name];
  switch (runs.by) {
    case 'limit':
      return [compilePrograms().limit, `${port}`, `${controlPort}`];
    case 'nchan':
      return ['nginx', '-e', 'stderr', '-c', writeNchanConfig(port)];
    case 'bun':
      return [bunFile(), runs.file];
    case 'node':
      return [
        process.execPath,
        '--expose-gc',
        '--no-deprecation',
        '--conditions=@millrace/source',
        runs.file,
      ];
  }
}

/** A core each for server and load, so that neither takes the other's. */
function pinned(core: string, file: string, args: readonly string[]): [string, string[]] {
  return ['taskset', ['-c', core, file, ...args]];
}

/** nginx says nothing when it listens. */
function isListening(by: string, port: number, output: string): boolean {
  if (by !== 'nchan') return output.includes('listening');
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .some((line) => line.includes(`${wanted} 00000000:0000 0A`));
}

function childrenOf(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}

function keepOutput(child: ChildProcess): () => string {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-16_384);
    });
  }
  return () => output;
}

/** One for each of as many connections as any bench opens. */
function tokensFile(): string {
  const file = join(cacheFolder, 'tokens');
  if (existsSync(file)) return file;
  mkdirSync(cacheFolder, { recursive: true });
  const tokens = Array.from({ length: 20_000 }, (_, index) => makeToken(`user-${index}`));
  writeFileSync(file, `${tokens.join('\n')}\n`);
  return file;
}

/** Whether this machine can pin; a bench without is none. */
export function checkPinning(): void {
  execFileSync('taskset', ['-c', loadCore, 'true']);
}

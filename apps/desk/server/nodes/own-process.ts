// A server of our own as a child process: started, waited for, ended by its id. What it says last is kept for the
// message when it does not start. On Linux it ends with us, also where we are killed; elsewhere it is found and ended by
// the next start (left-behind.ts).

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { MillraceError } from '@millrace/protocol';
import { findProgram } from './find-program.ts';

export interface OwnProcess {
  /** Resolves with what it said last when it ends, for whatever reason. */
  readonly ended: Promise<string>;
  /** Asks it to end, waits, and ends it the hard way after `withinMs`. Idempotent. */
  stop(withinMs: number): Promise<void>;
}

interface ProgramOptions {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  /** As whom it runs; PostgreSQL refuses root. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

export interface OwnProcessOptions extends ProgramOptions {
  /** What asks it to end in order. */
  readonly endsBy: 'SIGINT' | 'SIGTERM';
  /** Given on its standard input: what must not be seen in a list of processes. */
  readonly input?: string;
}

const LAST_WORDS = 2_000;

export async function startProcess(options: OwnProcessOptions): Promise<OwnProcess> {
  const { name, file, args, endsBy, input, user } = options;
  // Has the kernel send it the signal when its starter dies. It becomes the program: its id is the program's own.
  const setpriv = process.platform === 'linux' ? await findProgram('setpriv') : null;
  const prefix = setpriv === null ? [] : ['--pdeathsig', endsBy.slice(3), '--', file];
  const child = spawn(setpriv ?? file, [...prefix, ...args], {
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    // Ctrl+C reaches the whole group of a terminal: the servers must outlive the nodes that use them.
    detached: true,
    ...user,
  });
  child.stdin?.on('error', () => undefined).end(input);
  const words = keepWords(child);
  const ended = once(child, 'close').then(words, () => `${name} cannot be run: ${file}`);
  let stopping: Promise<void> | null = null;
  return {
    ended,
    stop(withinMs) {
      stopping ??= stop(child, endsBy, withinMs, ended);
      return stopping;
    },
  };
}

/** Runs it to its end. @throws MillraceError `engine/unavailable` with what it said, when it fails */
export async function runProcess(options: ProgramOptions): Promise<void> {
  const { file, args, user, name } = options;
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], ...user });
  const words = keepWords(child);
  await once(child, 'close');
  if (child.exitCode !== 0) throw failed(name, words());
}

export function failed(name: string, words: string): MillraceError {
  return new MillraceError('engine/unavailable', `${name} did not start: ${words.trim()}`);
}

async function stop(
  child: ChildProcess,
  signal: NodeJS.Signals,
  withinMs: number,
  ended: Promise<unknown>,
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  const hard = setTimeout(() => child.kill('SIGKILL'), withinMs);
  await ended;
  clearTimeout(hard);
}

function keepWords(child: ChildProcess): () => string {
  let words = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-LAST_WORDS);
    });
  }
  return () => words;
}

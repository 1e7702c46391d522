// A server of our own as a child process: started, waited for, ended by its id. What it says last is kept for the
// message when it does not start.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { MillraceError } from '@millrace/protocol';

export interface OwnProcess {
  readonly pid: number;
  /** Resolves with what it said last when it ends, for whatever reason. */
  readonly ended: Promise<string>;
  /** Asks it to end, waits, and ends it the hard way after `withinMs`. Idempotent. */
  stop(signal: NodeJS.Signals, withinMs: number): Promise<void>;
}

export interface OwnProcessOptions {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  /** Given on its standard input: what must not be seen in a list of processes. */
  readonly input?: string;
  /** As whom it runs; PostgreSQL refuses root. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

const LAST_WORDS = 2_000;

export function startProcess(options: OwnProcessOptions): OwnProcess {
  const { name, file, args, input, user } = options;
  const child = spawn(file, args, {
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
    pid: child.pid ?? 0,
    ended,
    stop(signal, withinMs) {
      stopping ??= stop(child, signal, withinMs, ended);
      return stopping;
    },
  };
}

/** Runs it to its end. @throws MillraceError `engine/unavailable` with what it said, when it fails */
export async function runProcess(options: OwnProcessOptions): Promise<void> {
  const { file, args, user, name } = options;
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], ...user });
  const words = keepWords(child);
  const ended: readonly unknown[] = await once(child, 'close');
  if (ended[0] !== 0) throw failed(name, words());
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

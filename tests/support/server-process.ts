// A Node program of ours as a child process: started on a port, awaited until ready, killed by
// signal, started again on the same port and settings. Owns the process and its output.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePort, until } from './wait.ts';

export interface ServerProcessOptions {
  /** The program, a TypeScript or JavaScript file. */
  readonly entry: string;
  readonly args?: readonly string[];
  /** Added to the environment, which is this process's without what the test runner put there. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Given to the program as `PORT`. Default: a free one. */
  readonly port?: number;
  /** Ready when a line of stdout matches, or when a GET of this path answers below 500. */
  readonly ready: { readonly stdout: RegExp } | { readonly path: string };
  /** Milliseconds from start to ready. Default 60000. */
  readonly deadlineMs?: number;
}

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServerProcess extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:port`. */
  readonly url: string;
  /** Of the present incarnation. */
  pid(): number;
  exited(): Promise<ProcessExit>;
  /** The last 64 KiB of the present incarnation. */
  stdout(): string;
  stderr(): string;
  /** Sends the signal and waits for the end. Does nothing when it has already ended. */
  kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT'): Promise<ProcessExit>;
  /** Starts again, same port and settings, and waits until ready; ends what still runs first. */
  restart(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** SIGKILL. Idempotent. */
  close(): Promise<void>;
}

interface Incarnation {
  readonly child: ChildProcess;
  /** Rejects when there is nothing to start: a missing folder, no process left. */
  readonly spawned: Promise<unknown>;
  readonly exited: Promise<ProcessExit>;
  readonly stdout: () => string;
  readonly stderr: () => string;
  hasEnded(): boolean;
}

/** Rejects with the tail of both outputs when it ends early or is not ready in time. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  let current = await start(options, port);

  async function kill(signal: NodeJS.Signals): Promise<ProcessExit> {
    if (!current.hasEnded()) current.child.kill(signal);
    return current.exited;
  }
  const close = async (): Promise<void> => {
    await kill('SIGKILL');
  };
  return {
    port,
    url,
    pid: () => current.child.pid ?? 0,
    exited: () => current.exited,
    stdout: () => current.stdout(),
    stderr: () => current.stderr(),
    kill,
    async restart(signal = 'SIGKILL') {
      await kill(signal);
      current = await start(options, port);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function start(options: ServerProcessOptions, port: number): Promise<Incarnation> {
  const started = launch(options, port);
  const { ready, deadlineMs = 60_000, entry } = options;
  await started.spawned;
  try {
    await until(
      async () => {
        if (started.hasEnded()) return true;
        if ('stdout' in ready) return ready.stdout.test(started.stdout());
        const signal = AbortSignal.timeout(deadlineMs);
        const response = await fetch(`http://127.0.0.1:${port}${ready.path}`, { signal });
        await response.body?.cancel();
        return response.status < 500;
      },
      { label: `${entry} to be ready`, deadlineMs, everyMs: 25, details: () => tails(started) },
    );
  } catch (error) {
    started.child.kill('SIGKILL');
    await started.exited;
    throw error;
  }
  if (started.hasEnded()) {
    const { code, signal } = await started.exited;
    throw new Error(`${entry} ended (${signal ?? code}) before it was ready\n${tails(started)}`);
  }
  return started;
}

function launch(options: ServerProcessOptions, port: number): Incarnation {
  const args = ['--conditions=@millrace/source', options.entry, ...(options.args ?? [])];
  const child = spawn(process.execPath, args, {
    cwd: options.cwd ?? process.cwd(),
    env: { ...ownEnvironment(), ...options.env, PORT: `${port}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // A test process that dies must not leave servers behind.
  const endWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', endWithUs);
  const ended = Promise.withResolvers<ProcessExit>();
  child.once('spawn', () => child.once('error', ended.reject));
  child.once('close', (code, signal) => {
    process.off('exit', endWithUs);
    ended.resolve({ code, signal });
  });
  return {
    child,
    spawned: once(child, 'spawn'),
    exited: ended.promise,
    stdout: keepTail(child.stdout),
    stderr: keepTail(child.stderr),
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
  };
}

/** A server started by a test runs as a user would start it: without the runner's own settings. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const runnerOwned = /^(VITEST.*|TEST|MODE|DEV|PROD|SSR|BASE_URL|NODE_ENV|NODE_OPTIONS)$/;
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !runnerOwned.test(name)),
  );
}

const tailChars = 64 * 1024;

function keepTail(stream: NodeJS.ReadableStream | null): () => string {
  let tail = '';
  stream?.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-tailChars);
  });
  return () => tail;
}

function tails(started: Incarnation): string {
  return `--- stdout\n${started.stdout().slice(-4_000)}\n--- stderr\n${started.stderr().slice(-4_000)}`;
}

// A PostgreSQL server of a test's own: made in a temporary folder, on a port of its own, as a user without rights (it
// refuses to run as root), gone when it is closed. It can be stopped, killed, frozen, started again and copied.
// Refuses to own: connections to it, and installing it (scripts/lib/postgres.ts).

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { familyOf, isRunning, unprivilegedUser } from './postgres-processes.ts';
import { waitUntil } from './waiting.ts';

export interface PostgresServerOptions {
  /** Writes reach the disk before they are answered. Default false, which is quick and survives a killed server too. */
  readonly isDurable?: boolean;
  /** More settings of the server's. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface PostgresServer extends AsyncDisposable {
  readonly port: number;
  /** Of its first process, the parent of all others; 0 while it is stopped. */
  readonly pid: number;
  /** Where a driver connects. Nobody needs a password; by default as the superuser `millrace`. */
  url(database?: string, user?: string): string;
  /** Runs a program of the server's, such as `pg_dump`, connected to it; resolves with its output. */
  run(program: string, ...args: readonly string[]): Promise<string>;
  /** Resolves once it takes connections. */
  start(): Promise<void>;
  /** `immediate` is a crash that it notices; `kill` ends every process of it at once. */
  stop(how: 'fast' | 'immediate' | 'kill'): Promise<void>;
  /** No process of it runs on, and no connection is closed. */
  freeze(): void;
  thaw(): void;
  /** Another server that follows this one, and is started. */
  standby(): Promise<PostgresServer>;
  /** Kills it and removes its folder. Idempotent. */
  close(): Promise<void>;
}

/** Debian's place for version 15. */
const PROGRAMS = '/usr/lib/postgresql/15/bin';
const READY = /database system is ready to accept/;
const STOP_SIGNALS = { fast: 'SIGINT', immediate: 'SIGQUIT', kill: 'SIGKILL' } as const;

export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const folder = await temporaryFolder();
  const data = join(folder, 'data');
  await runProgram('initdb', [
    ...['-D', data, '-U', 'millrace', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8'],
    ...['--no-sync', '--no-instructions'],
  ]);
  return startIn(folder, options);
}

async function startIn(folder: string, options: PostgresServerOptions): Promise<PostgresServer> {
  const port = await freePort();
  const data = join(folder, 'data');
  let child: ChildProcess | null = null;
  let frozen: readonly number[] = [];
  let isClosed = false;

  async function start(): Promise<void> {
    const started = spawn(
      join(PROGRAMS, 'postgres'),
      ['-D', data, ...settingsOf(folder, port, options)],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
        ...unprivilegedUser(),
      },
    );
    child = started;
    // A test process that dies must not leave a server behind.
    const endWithUs = (): void => void started.kill('SIGQUIT');
    process.once('exit', endWithUs);
    started.once('exit', () => process.off('exit', endWithUs));
    let words = '';
    started.stderr.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-16_384);
    });
    const hasEnded = (): boolean => started.exitCode !== null || started.signalCode !== null;
    await waitUntil('the server', () => hasEnded() || READY.test(words), 20_000);
    if (hasEnded()) throw new Error(`PostgreSQL ended before it was ready:\n${words}`);
  }

  function thaw(): void {
    for (const pid of frozen) signal(pid, 'SIGCONT');
    frozen = [];
  }

  async function stop(how: 'fast' | 'immediate' | 'kill'): Promise<void> {
    const running = child;
    child = null;
    if (running?.pid === undefined || running.exitCode !== null) return;
    const family = familyOf(running.pid);
    const exited = once(running, 'exit');
    thaw();
    if (how === 'kill') for (const pid of family) signal(pid, 'SIGKILL');
    else running.kill(STOP_SIGNALS[how]);
    await exited;
    // Its children end by themselves once they notice; the folder is theirs until then.
    await waitUntil('the end of every process', () => !family.some(isRunning), 20_000);
  }

  const connection = ['-h', '127.0.0.1', '-p', `${port}`, '-U', 'millrace'];
  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    await stop('kill');
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await start();
  } catch (thrown) {
    await close();
    throw thrown;
  }
  return {
    port,
    get pid() {
      return child?.pid ?? 0;
    },
    url: (database = 'postgres', user = 'millrace') =>
      `postgres://${user}@127.0.0.1:${port}/${database}`,
    run: (program, ...args) => runProgram(program, [...connection, ...args]),
    start,
    stop,
    freeze() {
      if (child?.pid === undefined) return;
      // The first one first: it can start no other then.
      signal(child.pid, 'SIGSTOP');
      frozen = familyOf(child.pid);
      for (const pid of frozen) signal(pid, 'SIGSTOP');
    },
    thaw,
    async standby() {
      const other = await temporaryFolder();
      const into = ['-D', join(other, 'data'), '-R', '-X', 'stream', '-c', 'fast', '--no-sync'];
      await runProgram('pg_basebackup', [...connection, ...into]);
      return startIn(other, options);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function settingsOf(
  folder: string,
  port: number,
  { isDurable = false, settings }: PostgresServerOptions,
): readonly string[] {
  const all = {
    port: `${port}`,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    shared_buffers: '64MB',
    fsync: isDurable ? 'on' : 'off',
    full_page_writes: isDurable ? 'on' : 'off',
    ...settings,
  };
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

async function runProgram(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(join(PROGRAMS, program), args, {
    cwd: tmpdir(),
    maxBuffer: 64 * 1_024 * 1_024,
    ...unprivilegedUser(),
  });
  return stdout;
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-postgres-'));
  const { uid, gid } = unprivilegedUser();
  if (uid !== undefined && gid !== undefined) await chown(folder, uid, gid);
  return folder;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

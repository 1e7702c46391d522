// Desk on many nodes as `npm start -- --nodes N` runs it, with a database and a Redis of its own. Owns the processes, and
// tells from the log which node does what.

import { execFile } from 'node:child_process';
import { chmod, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ServerProcess, startServerProcess } from '../../support/server-process.ts';
import { tempFolder, until } from '../../support/wait.ts';
import { deskEntry, deskRoot } from './start-desk.ts';

interface LogLine {
  readonly time: string;
  readonly step: string;
  readonly node?: number;
  readonly [fact: string]: unknown;
}

export interface DeskNodes extends AsyncDisposable {
  readonly server: ServerProcess;
  readonly url: string;
  /** Lines of that step, oldest first. */
  log(step: string): Promise<readonly LogLine[]>;
  /** By number, as they run now. */
  pids(): Promise<ReadonlyMap<number, number>>;
  /** Which node leads the market, and in which holding. */
  leader(): Promise<{ readonly node: number; readonly fence: number }>;
  /** Every process of it: the supervisor, the nodes, PostgreSQL with all of its own, Redis. */
  family(): Promise<readonly number[]>;
  /** Ends it, and waits for the last process. */
  stop(): Promise<void>;
}

export async function startNodes(
  count: number,
  env: Readonly<Record<string, string>> = {},
): Promise<DeskNodes> {
  await promisify(execFile)(process.execPath, [join(deskRoot, 'scripts/bootstrap.mjs'), 'page']);
  const folder = await tempFolder();
  // As root PostgreSQL runs as another user, who must be able to come by.
  await chmod(folder.path, 0o755);
  const logFile = join(folder.path, 'log');
  const server = await startServerProcess({
    entry: deskEntry,
    args: ['--nodes', `${count}`],
    cwd: deskRoot,
    env: { DATA_DIR: join(folder.path, 'data'), LOG: logFile, ...env },
    ready: { stdout: /Desk is open at .* nodes/ },
  });

  async function log(step: string): Promise<readonly LogLine[]> {
    const text = await readFile(logFile, 'utf8');
    const lines = text.split('\n').filter((line) => line.includes(`"step":"${step}"`));
    return lines.map((line) => JSON.parse(line) as LogLine);
  }
  const family = async (): Promise<readonly number[]> => {
    const supervisor = server.pid();
    return [supervisor, ...(await descendantsOf(supervisor))];
  };
  const stop = async (): Promise<void> => {
    const pids = await family();
    await server.kill('SIGTERM');
    await until(async () => (await running(pids)).length === 0, {
      label: 'the end of every process',
      deadlineMs: 30_000,
    });
  };
  return {
    server,
    url: server.url,
    log,
    async pids() {
      const open = await log('node is open');
      return new Map(open.map(({ node, pid }) => [Number(node), Number(pid)]));
    },
    async leader() {
      const newest = (await log('this node leads the market')).at(-1);
      return { node: Number(newest?.node), fence: Number(newest?.['fence']) };
    },
    family,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Those that still run. One that has ended and that nobody has asked about is none of them. */
export async function running(pids: readonly number[]): Promise<readonly number[]> {
  const states = await Promise.all(pids.map(readProcess));
  return pids.filter((_, n) => states[n] !== null);
}

async function descendantsOf(pid: number): Promise<readonly number[]> {
  const all = await Promise.all(
    (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map((name) => readProcess(+name)),
  );
  const found = [pid];
  for (const parent of found) {
    for (const one of all) if (one?.parent === parent) found.push(one.pid);
  }
  return found.slice(1);
}

async function readProcess(pid: number): Promise<{ pid: number; parent: number } | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const [state = 'Z', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return stat === '' || state === 'Z' || state === 'X' ? null : { pid, parent: Number(parent) };
}

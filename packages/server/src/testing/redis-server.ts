// Redis servers of a test's own: each a process with a folder and a port that are its alone, ended by its pid.
// Refuses to own: clients of it. What a test does to a server (freeze, kill, start again) it does here.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';

export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  readonly folder: string;
  /** Sends commands as words, one after the other, and answers with what came back as text. */
  ask(...commands: readonly string[]): Promise<string>;
  /** SIGSTOP: it takes connections, and says nothing. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL, or SIGTERM for a clean end. Waits until it has ended. */
  stop(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Again on its port, in its folder. */
  start(): Promise<void>;
}

export interface RedisServerOptions {
  /** Words of the configuration beside port and folder: `['--appendonly', 'yes']`. */
  readonly args?: readonly string[];
  /** A file of configuration in its folder, for what words cannot say (Sentinel). */
  readonly config?: string;
}

export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-redis-'));
  const port = await freePort();
  let child: ChildProcess | null = null;

  async function start(): Promise<void> {
    const file = options.config === undefined ? [] : [join(folder, 'redis.conf')];
    const own = ['--port', `${port}`, '--dir', folder, '--bind', '127.0.0.1'];
    const quiet = ['--logfile', join(folder, 'redis.log'), '--save', ''];
    // A master waits 5 s for more replicas before it sends what it has.
    const quick = options.args?.includes('--sentinel') ? [] : ['--repl-diskless-sync-delay', '0'];
    const args = [...file, ...own, ...quiet, ...quick, ...(options.args ?? [])];
    child = spawn('redis-server', args, { stdio: 'ignore' });
    child.on('error', () => undefined);
    // A run that ends in the middle leaves no server behind.
    const started = child;
    const end = (): void => void started.kill('SIGKILL');
    process.once('exit', end);
    child.once('exit', () => process.off('exit', end));
    const deadline = performance.now() + 10_000;
    while (!(await isAnswering(port))) {
      if (performance.now() > deadline || child.exitCode !== null) {
        const log = await readFile(join(folder, 'redis.log'), 'utf8').catch(() => 'no log');
        throw new Error(`redis-server does not answer on ${port}:\n${log}`);
      }
    }
  }

  async function stop(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const ending = child;
    child = null;
    if (ending === null || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = once(ending, 'exit');
    // One that is frozen hears SIGTERM only afterwards.
    ending.kill('SIGCONT');
    ending.kill(signal);
    await ended;
  }

  if (options.config !== undefined) await writeFile(join(folder, 'redis.conf'), options.config);
  await start();
  return {
    port,
    folder,
    ask: (...commands) => ask(port, commands),
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    stop,
    start,
    async [Symbol.asyncDispose]() {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A replica of it that has caught up. */
export async function startReplica(
  master: RedisServer,
  args: readonly string[] = [],
): Promise<RedisServer> {
  const replica = await startRedis({
    args: ['--replicaof', `127.0.0.1 ${master.port}`, ...args],
  });
  await until('the replica has caught up', async () =>
    (await replica.ask('INFO replication')).includes('master_link_status:up'),
  );
  return replica;
}

/** Watches the master under the name `main`, and promotes a replica of it within about two seconds. */
export function startSentinel(master: RedisServer): Promise<RedisServer> {
  return startRedis({
    args: ['--sentinel'],
    config: [
      `sentinel monitor main 127.0.0.1 ${master.port} 1`,
      'sentinel down-after-milliseconds main 500',
      'sentinel failover-timeout main 2000',
      '',
    ].join('\n'),
  });
}

const SLOTS = 16_384;

/** Masters that share the slots, in order. */
export async function startCluster(count: number): Promise<readonly RedisServer[]> {
  const servers = await Promise.all(Array.from({ length: count }, startClusterNode));
  for (const [index, server] of servers.entries()) {
    const from = Math.round((SLOTS / count) * index);
    const to = Math.round((SLOTS / count) * (index + 1)) - 1;
    await server.ask(`CLUSTER SET-CONFIG-EPOCH ${index + 1}`);
    await server.ask(`CLUSTER ADDSLOTSRANGE ${from} ${to}`);
    await meet(server, servers[0]);
  }
  await until('the cluster is complete', async () => {
    const told = await Promise.all(servers.map((server) => server.ask('CLUSTER INFO')));
    return told.every(
      (text) => text.includes('cluster_state:ok') && text.includes(`known_nodes:${count}`),
    );
  });
  return servers;
}

/** A replica within the cluster that has caught up, and takes its master's place when that is gone. */
export async function startClusterReplica(
  master: RedisServer,
  cluster: readonly RedisServer[],
): Promise<RedisServer> {
  const replica = await startClusterNode();
  await meet(replica, master);
  const id = await clusterIdOf(master);
  await until('the replica follows its master', async () => {
    await replica.ask(`CLUSTER REPLICATE ${id}`);
    return (await replica.ask('INFO replication')).includes('master_link_status:up');
  });
  await until('all know of the replica', async () => {
    const told = await Promise.all(cluster.map((server) => server.ask('CLUSTER NODES')));
    return told.every((text) => new RegExp(`:${replica.port}@\\S* slave ${id}`).test(text));
  });
  return replica;
}

export async function clusterIdOf(server: RedisServer): Promise<string> {
  return /([0-9a-f]{40})/.exec(await server.ask('CLUSTER MYID'))?.[1] ?? '';
}

async function startClusterNode(): Promise<RedisServer> {
  return startRedis({
    args: [
      ...['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000'],
      ...['--cluster-port', `${await freePort()}`],
    ],
  });
}

async function meet(server: RedisServer, other: RedisServer | undefined): Promise<void> {
  if (other === undefined || server === other) return;
  const bus = /:\d+@(\d+)[^\n]*myself/.exec(await other.ask('CLUSTER NODES'))?.[1];
  await server.ask(`CLUSTER MEET 127.0.0.1 ${other.port} ${bus}`);
}

async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`not within 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function isAnswering(port: number): Promise<boolean> {
  const text = await ask(port, ['PING']).catch(() => '');
  if (text.includes('PONG')) return true;
  await new Promise((resolve) => setTimeout(resolve, 10));
  return false;
}

/** Inline commands, then the end of what is asked: Redis answers before it sees that. */
async function ask(port: number, commands: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.end(`${commands.join('\r\n')}\r\n`);
  await once(socket, 'close');
  return text;
}

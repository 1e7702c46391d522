// The server of the Redis engine's tests: the system's, installed with apt when it is missing and this machine lets
// us (root, or sudo without a password). The tests start processes of their own from it.
import { existsSync } from 'node:fs';
import { runCommand } from './command.ts';

const paths = ['/usr/bin/redis-server', '/usr/bin/redis-cli'];

/** Returns what stands in the way, or `undefined` when there is a Redis. */
export async function ensureRedis(say: (line: string) => void): Promise<string | undefined> {
  if (paths.every(existsSync)) return undefined;
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  say(`Installing Redis with apt (once; ${paths[0]} is missing)`);
  for (const args of [
    ['apt-get', 'update', '-qq'],
    ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'redis-server', 'redis-tools'],
  ]) {
    // At this level no service is started by being installed.
    const settings = ['env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1'];
    const [file = '', ...rest] = [...sudo, ...settings, ...args];
    const { code, output } = await runCommand(file, rest, { timeoutMs: 240_000 });
    if (code !== 0) return `cannot install Redis (${args.join(' ')}):\n${output.trim()}`;
  }
  return paths.every(existsSync) ? undefined : `apt installed no ${paths.join(' and ')}`;
}

// The Redis of the tests, which start processes of their own from it; the one that Debian sets up is never started.
import { ensureInstalled } from './apt.ts';

/** Returns what stands in the way, or `undefined` when there is a Redis. */
export function ensureRedis(say: (line: string) => void): Promise<string | undefined> {
  return ensureInstalled({
    name: 'Redis',
    packages: ['redis-server', 'redis-tools'],
    file: '/usr/bin/redis-server',
    say,
  });
}

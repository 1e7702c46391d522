// A Redis of Desk's own in its data folder, for many nodes on one machine: on loopback, with a password, its log of writes
// on disk. Needs Redis installed.

import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MillraceError } from '@millrace/protocol';
import { findProgram } from './find-program.ts';
import { endLeftBehind } from './left-behind.ts';
import { failed, startProcess } from './own-process.ts';
import { isListening, type OwnServer } from './own-server.ts';

const READY_WITHIN_MS = 30_000;
const STOPPED_WITHIN_MS = 10_000;

/** @param folder made when it is missing; nobody else may use it at the same time */
export async function startOwnRedis(
  folder: string,
  { port, password }: { readonly port: number; readonly password: string },
): Promise<OwnServer> {
  const file = await findProgram('redis-server');
  if (file === null) {
    throw new MillraceError(
      'settings/invalid',
      'Several nodes need Redis, which is not installed (on Debian: apt-get install redis-server). Install it, or give one by REDIS_URL.',
    );
  }
  await mkdir(folder, { recursive: true });
  const pidFile = join(folder, 'redis.pid');
  await endLeftBehind({
    name: 'Redis',
    pidFile,
    folder,
    signal: 'SIGTERM',
    withinMs: STOPPED_WITHIN_MS,
  });
  const child = await startProcess({
    name: 'Redis',
    file,
    args: ['-'],
    endsBy: 'SIGTERM',
    // By standard input: arguments are seen by everybody.
    input: [
      `port ${port}`,
      'bind 127.0.0.1',
      `requirepass ${password}`,
      `dir ${JSON.stringify(resolve(folder))}`,
      `pidfile ${JSON.stringify(resolve(pidFile))}`,
      'appendonly yes',
      'appendfsync everysec',
      'save ""',
      '',
    ].join('\n'),
  });
  if (!(await isListening(port, child.ended, READY_WITHIN_MS))) {
    await child.stop(STOPPED_WITHIN_MS);
    throw failed('Redis', await child.ended);
  }
  return {
    name: 'Redis',
    url: `redis://:${password}@127.0.0.1:${port}`,
    ended: child.ended,
    stop: () => child.stop(STOPPED_WITHIN_MS),
  };
}

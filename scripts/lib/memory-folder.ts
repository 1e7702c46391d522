// Where files can be had that are never written to a disk, on Linux. Tests make hundreds of databases and browser profiles
// that live for seconds: of the unit tests' time in the kernel, four tenths were for a disk that nobody reads.

import { constants } from 'node:fs';
import { access, lstat, readdir, readFile, readlink, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';

const PLACE = '/dev/shm';
/** More than a run of tests ever has at a time. */
const LEAST_FREE_BYTES = 6 * 2 ** 30;

/** Null where there is none, where memory is short, or where nothing in it may be written or executed. */
export async function memoryPlace(): Promise<string | null> {
  try {
    const { bavail, bsize } = await statfs(PLACE);
    if (bavail * bsize < LEAST_FREE_BYTES) return null;
    // What the place may grow to is no promise that there is as much.
    if (process.availableMemory() < 2 * LEAST_FREE_BYTES) return null;
    const mounts = await readFile('/proc/self/mounts', 'utf8');
    const options = mounts.split('\n').findLast((line) => line.split(' ')[1] === PLACE);
    if (options === undefined || /\bnoexec\b/.test(options)) return null;
    await access(PLACE, constants.W_OK);
    return PLACE;
  } catch {
    return null;
  }
}

/** How the names of this process's folders begin: others can tell by it whether it still runs. */
export async function ownPrefix(prefix: string): Promise<string> {
  return `${prefix}${await pidNamespace()}-${process.pid}-`;
}

/** Removes folders there that processes of this user, who are gone, had under such a name. Never rejects. */
export async function removeOrphans(place: string, prefix: string): Promise<void> {
  // A process of another container has a number here that says nothing.
  const own = `${prefix}${await pidNamespace()}-`;
  for (const name of await readdir(place)) {
    const pid = name.startsWith(own) ? Number.parseInt(name.slice(own.length), 10) : 0;
    if (!(pid > 0) || isRunning(pid)) continue;
    const path = join(place, name);
    try {
      if ((await lstat(path)).uid === process.getuid?.()) await rm(path, { recursive: true });
    } catch {
      // Somebody else was faster.
    }
  }
}

/** Numbers of processes are of one namespace. */
async function pidNamespace(): Promise<string> {
  return (await readlink('/proc/self/ns/pid').catch(() => '')).replaceAll(/\D/g, '');
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

// Which process a number means: numbers are used again, so a process is known by its number and its start.
// Where /proc tells no start (macOS, Windows) the number alone must do.

import { readFile } from 'node:fs/promises';

export interface ProcessMark {
  readonly pid: number;
  /** Boot and start within it; null where it cannot be known. */
  readonly startedAt: string | null;
}

export async function ownMark(): Promise<ProcessMark> {
  return { pid: process.pid, startedAt: await readStart(process.pid) };
}

/** Whether that very process still runs. One that cannot be told apart from a later one counts as running. */
export async function isRunning({ pid, startedAt }: ProcessMark): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Another user's process refuses the signal, so it is there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  const now = await readStart(pid);
  if (now === 'ended') return false;
  return startedAt === null || now === null || now === startedAt;
}

async function readStart(pid: number): Promise<string | null> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything, so count from behind it: state is 3rd, start time 22nd.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state] = fields;
    // Nobody has asked yet what became of it.
    return state === 'Z' || state === 'X' ? 'ended' : `${boot.trim()} ${fields[19]}`;
  } catch {
    // No /proc here, or the process is gone since: no start is known.
    return null;
  }
}

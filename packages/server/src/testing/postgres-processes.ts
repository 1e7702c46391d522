// Which user a server of a test's runs as, and which processes it consists of. Linux only.

import { readdirSync, readFileSync } from 'node:fs';

/** PostgreSQL refuses root: then the user that its package made, or nobody. Empty: as this process. */
export function unprivilegedUser(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const fields = lines.find((line) => line.startsWith(`${name}:`))?.split(':');
    if (fields !== undefined) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new Error('There is no user to run PostgreSQL as: neither postgres nor nobody.');
}

/** The process and its children, which is all that a server has. */
export function familyOf(pid: number): readonly number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && parentOf(name) === pid)
    .map(Number);
  return [pid, ...children];
}

/** False for one that has ended but was not fetched yet by whoever is its parent now. */
export function isRunning(pid: number): boolean {
  const [state] = statusOf(`${pid}`);
  return state !== undefined && state !== 'Z';
}

function parentOf(pid: string): number | null {
  const [, parent] = statusOf(pid);
  return parent === undefined ? null : Number(parent);
}

/** State, parent, and so on; empty when there is no such process. */
function statusOf(pid: string): readonly string[] {
  try {
    // After the name in parentheses, which may hold anything.
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(') ') + 2).split(' ');
  } catch {
    // It has ended meanwhile.
    return [];
  }
}

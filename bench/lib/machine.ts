// On what the figures were made: without it they cannot be compared with anybody else's.

import { execFileSync } from 'node:child_process';
import { cpus, getPriority, loadavg, release, totalmem } from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly system: string;
  readonly node: string;
  readonly chromium: string | null;
  /** Of the bench and all that it starts: 0 is ordinary, below is favoured over others on the machine. */
  readonly priority: number;
  /** Short id of the commit, with `+` where files were changed after it. */
  readonly commit: string | null;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()}`,
    node: process.version,
    chromium: output(process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium', '--version'),
    priority: getPriority(),
    commit: commitText(),
  };
}

/** Processes that wanted a core in the last minute, this one's among them. */
export function loadNow(): number {
  return Math.round((loadavg()[0] ?? 0) * 100) / 100;
}

function commitText(): string | null {
  const id = output('git', 'rev-parse', '--short', 'HEAD');
  if (id === null) return null;
  // Results are written by the benches themselves: they change no measured code.
  const measured = ['packages', 'apps', 'bench/*.ts', 'bench/load', 'bench/peers'];
  const changed = output('git', 'status', '--porcelain', '--', ...measured);
  return changed === '' ? id : `${id}+`;
}

/** Null where there is no such program: a figure made outside a clone is a figure all the same. */
function output(file: string, ...args: string[]): string | null {
  try {
    return execFileSync(file, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return null;
  }
}

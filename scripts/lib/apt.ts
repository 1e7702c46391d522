// Installs Debian packages that tests need, when they are missing and this machine lets us (root, or sudo without a
// password).
import { existsSync } from 'node:fs';
import { runCommand } from './command.ts';

export interface AptOptions {
  /** For people. */
  readonly name: string;
  readonly packages: readonly string[];
  /** Is there when they are. */
  readonly file: string;
  readonly say: (line: string) => void;
}

/** Returns what stands in the way, or `undefined` when the file is there. */
export async function ensureInstalled(options: AptOptions): Promise<string | undefined> {
  const { name, packages, file, say } = options;
  if (existsSync(file)) return undefined;
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  say(`Installing ${name} with apt (once; ${file} is missing)`);
  for (const args of [
    ['apt-get', 'update', '-qq'],
    ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...packages],
  ]) {
    // Runlevel 1: a package must not start its service here.
    const env = ['env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1'];
    const [program = '', ...rest] = [...sudo, ...env, ...args];
    const { code, output } = await runCommand(program, rest, { timeoutMs: 240_000 });
    if (code !== 0) return `cannot install ${name} (${args.join(' ')}):\n${output.trim()}`;
  }
  return existsSync(file) ? undefined : `apt installed no ${file}`;
}

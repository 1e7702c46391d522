// The browser of the end-to-end tests: the system's Chromium, installed with apt when it is missing
// and this machine lets us (root, or sudo without a password).
import { existsSync } from 'node:fs';
import { runCommand } from './command.ts';

export const chromiumPath = '/usr/bin/chromium';

/** Returns what stands in the way, or `undefined` when there is a Chromium. */
export async function ensureChromium(say: (line: string) => void): Promise<string | undefined> {
  if (existsSync(chromiumPath)) return undefined;
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  say(`Installing Chromium with apt (once; ${chromiumPath} is missing)`);
  for (const args of [
    ['apt-get', 'update', '-qq'],
    ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'chromium', 'fonts-liberation'],
  ]) {
    const [file = '', ...rest] = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', ...args];
    const { code, output } = await runCommand(file, rest, { timeoutMs: 240_000 });
    if (code !== 0) return `cannot install Chromium (${args.join(' ')}):\n${output.trim()}`;
  }
  return existsSync(chromiumPath) ? undefined : `apt installed no ${chromiumPath}`;
}

// The packages that only peers need, in bench/peers/node_modules: installed when a bench wants them, so that an
// install of the project stays light.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '..', 'peers');
const modules = join(folder, 'node_modules');
const bun = join(modules, '.bin', 'bun');

export function installPeers(): void {
  if (existsSync(join(modules, '.package-lock.json'))) return;
  console.log('  installing the peers (once; needs the network)');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

export function bunFile(): string {
  return bun;
}

/** Null when it runs here; otherwise why not. */
export function missingBun(): string | null {
  try {
    execFileSync(bun, ['--version'], { stdio: 'ignore' });
    return null;
  } catch {
    return 'Bun does not install or run here';
  }
}

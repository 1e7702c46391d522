// nginx with nchan as a peer: Debian's packages, installed where this runs as root and apt is there, with a
// configuration of its own in the benches' cache folder. Never the system's nginx: own file, own port.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from './compile.ts';

const module = '/usr/lib/nginx/modules/ngx_nchan_module.so';

/** Null when it is there; otherwise why not. */
export function prepareNchan(): string | null {
  if (existsSync(module)) return null;
  if (process.getuid?.() !== 0) return 'nginx with nchan is not installed, and this is not root';
  try {
    // Runlevel 1: the package must not start the system's nginx.
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    execFileSync('apt-get', ['install', '-y', '-q', 'nginx', 'libnginx-mod-nchan'], {
      stdio: 'ignore',
      env,
    });
  } catch {
    return 'apt cannot install nginx and libnginx-mod-nchan here';
  }
  return existsSync(module) ? null : 'the package has no nchan module';
}

/** Returns its path. */
export function writeNchanConfig(port: number): string {
  const folder = join(cacheFolder, 'nchan');
  mkdirSync(folder, { recursive: true });
  const template = readFileSync(join(import.meta.dirname, '..', 'peers', 'nchan.conf'), 'utf8');
  const file = join(folder, 'nchan.conf');
  writeFileSync(
    file,
    template
      .replaceAll('MODULE;', `${module};`)
      .replaceAll('PORT', `${port}`)
      .replaceAll('FOLDER', folder),
  );
  return file;
}

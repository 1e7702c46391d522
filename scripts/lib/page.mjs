// Builds Desk's page (apps/desk/web/dist) when it is missing or its sources have other contents
// than at the last build. Contents, not times: a checkout touches files without changing them.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stop } from './tell.mjs';

/** All that ends up in the page, or decides how it is built. */
const sources = [
  'package-lock.json',
  'tsconfig.base.json',
  'apps/desk/package.json',
  'apps/desk/shared',
  'apps/desk/web',
  'packages/protocol/src',
  'packages/client/src',
  'packages/react/src',
  'packages/ui/src',
];
const ignored = /(^|\/)(dist|node_modules)$|\.test(-d)?\.tsx?$/;

/** True when there is a page and it was built from the sources as they are. */
export function isPageBuilt(root) {
  if (!existsSync(join(root, 'apps/desk/web/dist/index.html'))) return false;
  const stamp = stampFile(root);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === contentHash(root);
}

/** Runs vite. Rejects with a `Stop` that carries what vite said. */
export async function buildPage(root, node, env) {
  const hash = contentHash(root);
  const args = ['node_modules/vite/bin/vite.js', 'build', 'apps/desk/web', '--logLevel', 'error'];
  const { code, output } = await run(node.file, args, {
    cwd: root,
    env: { ...env, NO_COLOR: '1' },
  });
  if (code !== 0) throw new Stop(`Cannot build Desk's page:\n${output.trim()}`);
  mkdirSync(join(root, '.cache'), { recursive: true });
  writeFileSync(stampFile(root), hash);
}

function run(file, args, options) {
  return new Promise((done, fail) => {
    const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', fail);
    child.on('close', (code) => done({ code, output }));
  });
}

function contentHash(root) {
  const hash = createHash('sha256');
  for (const path of sources) addTo(hash, root, path);
  return hash.digest('hex');
}

function addTo(hash, root, path) {
  const entry = statSync(join(root, path), { throwIfNoEntry: false });
  if (entry === undefined || ignored.test(path)) return;
  if (entry.isDirectory()) {
    for (const name of readdirSync(join(root, path)).sort()) addTo(hash, root, `${path}/${name}`);
  } else {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0');
  }
}

function stampFile(root) {
  return join(root, '.cache', 'page.stamp');
}

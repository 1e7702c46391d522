// Installs exactly what package-lock.json says, when what is there is something else.
// The stamp holds the lock's hash: `npm install` by hand also changes the lock, so npm's own record
// (node_modules/.package-lock.json) is compared before anything is thrown away and fetched again.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pinnedPackage } from './pinned-node.mjs';
import { Stop } from './tell.mjs';

/** True when node_modules holds what the lock asks for. Cheap: one hash of one file. */
export function isInstalled(root) {
  const pinned = pinnedPackage();
  if (pinned !== undefined && !existsSync(join(root, 'node_modules', pinned))) return false;
  if (read(stampFile(root)) === lockHash(root)) return true;
  if (!agreesWithLock(root)) return false;
  writeStamp(root);
  return true;
}

/** Runs `npm ci`. Rejects with a `Stop` that says in one line what stood in the way. */
export async function install(root) {
  const args = [
    'ci',
    // Nothing in the lock needs its install script, and none may run unasked.
    '--ignore-scripts',
    // Also under NODE_ENV=production: the pinned Node and the checks are among them.
    '--include=dev',
    '--include=optional',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    // npm's own pauses (10 s, 60 s) keep a reader without a network waiting for over a minute.
    '--fetch-retries=2',
    '--fetch-retry-mintimeout=1000',
    '--fetch-retry-maxtimeout=5000',
  ];
  const { code, output } = await npm(root, args);
  if (code !== 0) throw new Stop(explain(output));
  writeStamp(root);
}

function npm(root, args) {
  const cli = process.env.npm_execpath;
  // Under `npm start` npm tells where it is; called directly, it is looked up on PATH.
  const [file, first] = cli?.endsWith('.js') ? [process.execPath, [cli]] : ['npm', []];
  const shell = process.platform === 'win32' && file === 'npm';
  return new Promise((done, fail) => {
    const child = spawn(file, [...first, ...args], {
      cwd: root,
      shell,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', () => fail(new Stop('Cannot run npm: it is not on the PATH.')));
    child.on('close', (code) => done({ code, output }));
  });
}

function explain(output) {
  const known = [
    [
      /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT/,
      'Cannot install: npm does not reach its registry. Check the network (or the proxy) and run the command again.',
    ],
    [/ENOSPC/, 'Cannot install: the disk is full. About 700 MB are needed.'],
    [
      /EACCES|EPERM|EROFS/,
      "Cannot install: this folder, or npm's cache, cannot be written by you.",
    ],
    [
      /EUSAGE|in sync/,
      'Cannot install: package.json and package-lock.json disagree. Run `npm install` and commit the lock.',
    ],
    [/EINTEGRITY/, 'Cannot install: a downloaded package is not the one that the lock names.'],
  ].find(([pattern]) => pattern.test(output));
  if (known) return known[1];
  const lines = output.split('\n').map((line) => line.replace(/^npm (error|ERR!)\s*/, '').trim());
  return `Cannot install: ${lines.find((line) => line !== '') ?? 'npm failed without a word'}`;
}

/** Every package of the lock that is no platform's option stands in node_modules, in its version. */
function agreesWithLock(root) {
  const wanted = packages(join(root, 'package-lock.json'));
  const present = packages(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === undefined || present === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const there = present[path];
    if (there === undefined) return entry.optional === true || entry.devOptional === true;
    return there.version === entry.version && there.integrity === entry.integrity;
  });
}

function packages(file) {
  const text = read(file);
  return text === undefined ? undefined : JSON.parse(text).packages;
}

function writeStamp(root) {
  writeFileSync(stampFile(root), lockHash(root));
}

function stampFile(root) {
  return join(root, 'node_modules', '.millrace-stamp');
}

function lockHash(root) {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

function read(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

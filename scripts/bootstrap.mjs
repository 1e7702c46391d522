// What runs before anything is installed: plain JavaScript for Node 20, no dependency.
// Owns: installing when the lock asks for it, finding the pinned Node, building Desk's page when
// its sources changed, and handing over (signals in, exit code out).
// Refuses to own: what the commands do. Prints one line when it works, nothing when it has nothing
// to do, one plain line when it fails.
//
//   bootstrap.mjs start          Desk, after building its page if needed
//   bootstrap.mjs test [...]     every check and test (scripts/test.ts)
//   bootstrap.mjs run FILE [...] a TypeScript file on the pinned Node
//   bootstrap.mjs exec BIN [...] an installed command on the pinned Node
//   bootstrap.mjs page           only builds Desk's page if needed
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { install, isInstalled } from './lib/install.mjs';
import { buildPage, isPageBuilt } from './lib/page.mjs';
import { findNode } from './lib/pinned-node.mjs';
import { Stop, tell } from './lib/tell.mjs';

const root = resolve(import.meta.dirname, '..');
const conditions = '--conditions=@millrace/source';

async function main([command = '', ...rest]) {
  if (!isInstalled(root)) {
    await tell('Installing dependencies (once; needs the network)', () => install(root));
  }
  const node = findNode(root);
  const env = {
    // What Node compiles of our code and the packages' is kept: each further start is a fifth shorter.
    NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'node'),
    ...process.env,
    PATH: [join(root, 'node_modules', '.bin'), node.folder, process.env.PATH].join(delimiter),
  };

  switch (command) {
    case 'start':
      await page(node, env);
      // Several nodes share servers of the system's; one needs nothing but this folder.
      if (rest.some((arg) => arg.startsWith('--nodes')))
        await handOver(node.file, [conditions, 'scripts/ensure-servers.ts'], env);
      return handOver(node.file, [conditions, 'apps/desk/server/main.ts', ...rest], env);
    case 'page':
      await page(node, env);
      return 0;
    case 'test':
      return handOver(node.file, [conditions, 'scripts/test.ts', ...rest], env);
    case 'run':
      return handOver(node.file, [conditions, ...rest], env);
    case 'exec':
      return handOver(rest[0], rest.slice(1), env);
    default:
      throw new Stop('usage: bootstrap.mjs start | test | run FILE | exec BIN | page');
  }
}

async function page(node, env) {
  if (isPageBuilt(root)) return;
  await tell("Building Desk's page", () => buildPage(root, node, env));
}

/** Runs a command in the foreground; resolves with the code this process shall exit with. */
function handOver(file, args, env) {
  return new Promise((done, fail) => {
    // Windows finds the `.cmd` shims of node_modules/.bin only through its shell.
    const shell = process.platform === 'win32' && !file.endsWith('.exe');
    const child = spawn(file, args, { cwd: root, env, stdio: 'inherit', shell });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      process.on(signal, () => {
        // A terminal has sent its Ctrl-C to the child as well; twice would look like impatience.
        if (signal === 'SIGINT' && process.stdin.isTTY) return;
        child.kill(signal);
      });
    }
    const orphaned = whenParentEnds(() => child.kill('SIGTERM'));
    child.on('error', (error) => fail(new Stop(`Cannot run ${file}: ${error.message}`)));
    child.on('exit', (code, signal) => {
      clearInterval(orphaned);
      done(code ?? 128 + (constants.signals[signal] ?? 1));
    });
  });
}

/**
 * npm passes a signal to its shell, and the shell dies of it without passing it on: whoever stops
 * `npm start` by its process id would leave Desk running, alone, on its port and its data.
 */
function whenParentEnds(then) {
  if (process.env.npm_lifecycle_event === undefined) return undefined;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    then();
  }, 250);
  return watch.unref();
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    console.error(error instanceof Stop ? error.message : `Unexpected: ${error?.stack ?? error}`);
    process.exitCode = 1;
  },
);

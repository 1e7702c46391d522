// Desk as `npm start` runs it: its page built, its server a process with a data folder of its own.
// Owns both; restarts keep the folder. What the server prints is in the failure of whoever waits.

import { execFile } from 'node:child_process';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { madeOnce } from '@millrace/server/testing/servers';
import { type ServerProcess, startServerProcess } from '../../support/server-process.ts';
import { tempFolder } from '../../support/wait.ts';

const root = join(import.meta.dirname, '../../..');

export interface Desk extends AsyncDisposable {
  /** Of the present incarnation. */
  readonly server: ServerProcess;
  readonly url: string;
  readonly target: { readonly host: string; readonly port: number };
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string>>;
  /** SIGKILL, then a start on the same folder and port with other settings on top. */
  restartWith(env: Readonly<Record<string, string>>): Promise<void>;
}

/** `env` on top of a quiet Desk: no messages but those asked for, warnings only. */
export async function startDesk(env: Readonly<Record<string, string>> = {}): Promise<Desk> {
  // The same step as `npm start`; quiet and quick when the page is there.
  await promisify(execFile)(process.execPath, [join(root, 'scripts/bootstrap.mjs'), 'page']);
  const folder = await tempFolder();
  const dataDir = join(folder.path, 'data');
  const made = await madeOnce('desk', makeData);
  if (made !== null) await cp(made, dataDir, { recursive: true });
  const settings = { LOG_LEVEL: 'warn', CHAT_EVERY_MS: '0', DATA_DIR: dataDir, ...env };
  let server = await startServer(settings);
  const { port, url } = server;
  return {
    get server() {
      return server;
    },
    url,
    target: { host: '127.0.0.1', port },
    dataDir,
    env: settings,
    async restartWith(changes) {
      await server.kill('SIGKILL');
      server = await startServer({ ...settings, ...changes }, port);
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/**
 * A database that nobody has written to: to make it takes seconds, of each first start. The same as Desk's own tests make
 * (apps/desk/server/testing/data-template.ts), so that either may be first.
 */
async function makeData(path: string): Promise<void> {
  const storage = JSON.stringify(join(root, 'apps/desk/server/database-storage.ts'));
  const source = `
    const { openStorage } = await import(${storage});
    await (await openStorage(${JSON.stringify(path)})).close();`;
  const args = ['--conditions=@millrace/source', '--input-type=module', '--eval', source];
  await promisify(execFile)(process.execPath, args);
}

function startServer(env: Readonly<Record<string, string>>, port?: number): Promise<ServerProcess> {
  return startServerProcess({
    entry: deskEntry,
    cwd: root,
    env,
    ready: { path: '/health' },
    ...(port === undefined ? {} : { port }),
  });
}

export const deskEntry: string = join(root, 'apps/desk/server/main.ts');
export const deskRoot: string = root;

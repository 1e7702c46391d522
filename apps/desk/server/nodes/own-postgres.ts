// A PostgreSQL of Desk's own in its data folder, for many nodes on one machine: made at the first start, on loopback, with
// a password that is kept beside it. Needs PostgreSQL's programs installed.

import { randomBytes } from 'node:crypto';
import { chown, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { MillraceError } from '@millrace/protocol';
import { CONNECTIONS } from '../database/server-database.ts';
import { findProgram } from './find-program.ts';
import { endLeftBehind } from './left-behind.ts';
import { failed, runProcess, startProcess } from './own-process.ts';
import { isListening, type OwnServer } from './own-server.ts';

const READY_WITHIN_MS = 30_000;
const STOPPED_WITHIN_MS = 10_000;

/** @param folder made when it is missing; nobody else may use it at the same time */
export async function startOwnPostgres(
  folder: string,
  { port, nodes }: { readonly port: number; readonly nodes: number },
): Promise<OwnServer> {
  const server = await programOf('postgres');
  const user = await unprivileged();
  const data = resolve(folder, 'data');
  const secretFile = join(folder, 'password');
  await mkdir(folder, { recursive: true });
  if (user !== undefined) {
    await chown(folder, user.uid, user.gid);
    await assertReachable(folder);
  }
  const password = await keepPassword(secretFile, user);
  if (!(await hasData(data))) await makeData(data, secretFile, user);
  await endLeftBehind({
    name: 'PostgreSQL',
    pidFile: join(data, 'postmaster.pid'),
    folder: data,
    signal: 'SIGINT',
    withinMs: STOPPED_WITHIN_MS,
  });

  const args = ['-D', data, '-p', `${port}`, '-c', 'listen_addresses=127.0.0.1'];
  // Twice what the nodes take: those of a node that was killed are not gone at once.
  const connections = `max_connections=${20 + 2 * nodes * CONNECTIONS}`;
  const child = await startProcess({
    name: 'PostgreSQL',
    file: server,
    // A fast shutdown: sessions are ended, what was committed is kept.
    endsBy: 'SIGINT',
    // The socket's folder may be too long a path, and nobody needs it.
    args: [...args, '-c', connections, '-c', 'unix_socket_directories='],
    ...(user === undefined ? {} : { user }),
  });
  if (!(await isListening(port, child.ended, READY_WITHIN_MS))) {
    await child.stop(STOPPED_WITHIN_MS);
    throw failed('PostgreSQL', await child.ended);
  }
  return {
    name: 'PostgreSQL',
    url: `postgres://desk:${password}@127.0.0.1:${port}/postgres`,
    ended: child.ended,
    stop: () => child.stop(STOPPED_WITHIN_MS),
  };
}

async function programOf(name: string): Promise<string> {
  const file = await findProgram(name);
  if (file !== null) return file;
  throw new MillraceError(
    'settings/invalid',
    'Several nodes need PostgreSQL, which is not installed (on Debian: apt-get install postgresql). Install it, or give one by DATABASE_URL.',
  );
}

async function makeData(
  data: string,
  secretFile: string,
  user: { uid: number; gid: number } | undefined,
): Promise<void> {
  const mark = `${data}.making`;
  await writeFile(mark, '');
  await rm(data, { recursive: true, force: true });
  await runProcess({
    name: 'PostgreSQL',
    file: await programOf('initdb'),
    args: [
      ...['-D', data, '-U', 'desk', '--auth=scram-sha-256', `--pwfile=${secretFile}`],
      ...['-E', 'UTF8', '--no-locale'],
    ],
    ...(user === undefined ? {} : { user }),
  });
  await rm(mark);
}

/** As root it runs as another user, to whom a home of root's is closed. */
async function assertReachable(folder: string): Promise<void> {
  for (let above = resolve(folder, '..'); ; above = dirname(above)) {
    const { mode } = await stat(above);
    if ((mode & 0o001) === 0) {
      throw new MillraceError(
        'settings/invalid',
        `PostgreSQL runs as the user \`postgres\`, who cannot reach ${resolve(folder)}: ${above} is closed to others. Set DATA_DIR to another folder, start Desk as another user, or give DATABASE_URL.`,
      );
    }
    if (above === dirname(above)) return;
  }
}

/** A first start that was killed leaves half of it, in which nothing of anybody's is. */
async function hasData(data: string): Promise<boolean> {
  const isHalf = await readFile(`${data}.making`).then(
    () => true,
    () => false,
  );
  const version = await readFile(join(data, 'PG_VERSION')).catch(() => null);
  return !isHalf && version !== null;
}

async function keepPassword(
  file: string,
  user: { uid: number; gid: number } | undefined,
): Promise<string> {
  const kept = await readFile(file, 'utf8').catch(() => null);
  if (kept !== null) return kept.trim();
  const made = randomBytes(24).toString('hex');
  await writeFile(file, made, { mode: 0o600 });
  if (user !== undefined) await chown(file, user.uid, user.gid);
  return made;
}

/** PostgreSQL does not run as root: the system's own user for it does then. */
async function unprivileged(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const [, , uid, gid] =
    users
      .split('\n')
      .find((line) => line.startsWith('postgres:'))
      ?.split(':') ?? [];
  if (uid === undefined || gid === undefined) {
    throw new MillraceError(
      'settings/invalid',
      'PostgreSQL does not run as root, and there is no user `postgres`. Start Desk as another user, or give DATABASE_URL.',
    );
  }
  return { uid: Number(uid), gid: Number(gid) };
}

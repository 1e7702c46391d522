// The data folder's lock: PGlite has none, and two processes on one folder destroy it without a word.
// A file that says which process holds it (process-mark.ts). A lock whose process is gone is taken over.
// Refuses to own: folders shared between machines or containers, whose process numbers mean nothing to each other.

import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MillraceError } from '@millrace/protocol';
import { isRunning, ownMark, type ProcessMark } from './process-mark.ts';

export interface FolderLock {
  /** Idempotent. */
  release(): Promise<void>;
}

/** Dead locks moved away in one go at most; more means that something else is wrong. */
const MAX_ATTEMPTS = 10;

/**
 * Locks a folder that exists and can be written to.
 * @throws MillraceError `settings/data-locked` naming the process that holds it
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const file = join(folder, 'desk.lock');
  // The token tells this lock from another one of the same process.
  const text = `${JSON.stringify({ ...(await ownMark()), token: randomUUID() })}\n`;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    if (await createWhole(file, text)) return { release: () => removeOwn(file, text) };
    const found = await readIfThere(file);
    if (found === null) continue;
    const holder = parseMark(found);
    if (holder !== null && (await isRunning(holder))) throw lockedError(folder, holder.pid);
    await removeStale(file, found);
  }
  throw lockedError(folder, null);
}

/** Writes aside and links into place: nobody ever reads half a lock, and only one link succeeds. */
async function createWhole(file: string, text: string): Promise<boolean> {
  const aside = `${file}.${randomUUID()}`;
  await writeFile(aside, text);
  try {
    await link(aside, file);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

/**
 * Moves the dead one's lock aside and looks at what was moved: between the reading and the moving another
 * process may have taken it over, and then its lock goes back.
 */
async function removeStale(file: string, stale: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  try {
    if ((await readFile(aside, 'utf8')) !== stale) await link(aside, file);
  } finally {
    await rm(aside, { force: true });
  }
}

async function removeOwn(file: string, text: string): Promise<void> {
  if ((await readIfThere(file)) === text) await rm(file, { force: true });
}

function parseMark(text: string): ProcessMark | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Locks are created whole: what is none was put there by something else, and nobody holds it.
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  if (!('pid' in value && 'startedAt' in value)) return null;
  const { pid, startedAt } = value;
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return null;
  if (startedAt !== null && typeof startedAt !== 'string') return null;
  return { pid, startedAt };
}

function lockedError(folder: string, pid: number | null): MillraceError {
  const who =
    pid === null ? 'another process' : pid === process.pid ? 'this process' : `process ${pid}`;
  return new MillraceError(
    'settings/data-locked',
    `The data folder ${resolve(folder)} is in use by ${who}. Stop it, or set DATA_DIR to another folder.`,
    { details: { pid } },
  );
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}

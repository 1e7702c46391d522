// One process at a time in a data folder: PGlite has no lock of its own, and two processes in one folder destroy it
// without a word. Refuses to own: folders shared between machines or containers, whose process numbers mean nothing
// to each other.
//
//   desk.1.lock ← desk.2.lock ← desk.3.lock …     the highest number counts; its text says who holds it
//
// A start whose predecessor is dead or has released makes the next number, by a hard link of a file that is already
// written: exactly one succeeds, and nobody ever reads half a text. The highest number is never removed, only
// emptied, so whoever comes late with an old number meets a higher one and gives way. With one file of a fixed name,
// taking over a dead lock can take away that of whoever was quicker, and let a third one in.

import { randomUUID } from 'node:crypto';
import { link, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MillraceError } from '@millrace/protocol';
import * as z from 'zod';
import { isRunning, ownMark, type ProcessMark } from './process-mark.ts';

export interface FolderLock {
  /** Idempotent. */
  release(): Promise<void>;
}

const markSchema: z.ZodType<ProcessMark> = z.object({
  pid: z.int().positive(),
  startedAt: z.string().nullable(),
});

/**
 * Locks a folder that exists and can be written to.
 * @throws MillraceError `settings/data-locked` naming the process that holds it
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const draft = join(folder, `desk.${randomUUID()}.draft`);
  await writeFile(draft, JSON.stringify(await ownMark()));
  try {
    for (;;) {
      const before = await readHighest(folder);
      await assertFree(folder, before);
      const own = before + 1;
      if (!(await linkNew(draft, lockPath(folder, own)))) continue;
      if ((await readHighest(folder)) === own) return await hold(folder, own);
      await rm(lockPath(folder, own), { force: true });
    }
  } finally {
    await rm(draft, { force: true });
  }
}

async function hold(folder: string, own: number): Promise<FolderLock> {
  for (const number of await listNumbers(folder)) {
    if (number < own) await rm(lockPath(folder, number), { force: true });
  }
  let releasing: Promise<void> | null = null;
  return {
    release() {
      releasing ??= writeFile(lockPath(folder, own), '');
      return releasing;
    },
  };
}

async function assertFree(folder: string, number: number): Promise<void> {
  const mark = number === 0 ? null : parseMark(await readIfThere(lockPath(folder, number)));
  if (mark === null || !(await isRunning(mark))) return;
  const who = mark.pid === process.pid ? 'this process' : `process ${mark.pid}`;
  throw new MillraceError(
    'settings/data-locked',
    `The data folder ${resolve(folder)} is in use by ${who}. Stop it, or set DATA_DIR to another folder.`,
    { details: { pid: mark.pid } },
  );
}

/** Null for one that nobody holds: emptied, or torn by a power cut, whose holder is gone with it. */
function parseMark(text: string): ProcessMark | null {
  try {
    return markSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function lockPath(folder: string, number: number): string {
  return join(folder, `desk.${number}.lock`);
}

async function readHighest(folder: string): Promise<number> {
  return Math.max(0, ...(await listNumbers(folder)));
}

async function listNumbers(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names.flatMap((name) => {
    const number = /^desk\.(\d{1,15})\.lock$/.exec(name)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
}

/** Whether it was made; false where there is one already. */
async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Empty when it is gone: a higher number has taken its place, which the caller meets when it makes its own. */
async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return '';
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}

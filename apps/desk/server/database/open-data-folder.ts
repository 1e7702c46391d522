// Opens the database in a data folder: locked first, so that nobody else is in it, and released when it is closed.
// The database's own files are in a folder of their own: PostgreSQL refuses to initialise one that is not empty.

import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MillraceError } from '@millrace/protocol';
import { type EmbeddedDatabase, openEmbeddedDatabase } from './embedded-database.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';

export interface DataFolderOptions {
  readonly onDeath?: (error: MillraceError) => void;
}

/** @throws MillraceError `settings/data-locked`, `settings/invalid`, `engine/unavailable` */
export async function openDataFolder(
  folder: string,
  options: DataFolderOptions = {},
): Promise<EmbeddedDatabase> {
  const lock = await lockDataFolder(folder);
  try {
    const database = await openFiles(folder, options);
    let closing: Promise<void> | null = null;
    const close = async (): Promise<void> => {
      try {
        await database.close();
      } finally {
        await lock.release();
      }
    };
    return {
      ...database,
      close() {
        closing ??= close();
        return closing;
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/**
 * Makes it where it is missing.
 * @throws MillraceError `settings/data-locked`, `settings/invalid`
 */
export async function lockDataFolder(folder: string): Promise<FolderLock> {
  try {
    await mkdir(folder, { recursive: true });
    return await lockFolder(folder);
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new MillraceError(
      'settings/invalid',
      `DATA_DIR is ${resolve(folder)}, which cannot be written to (${why}). Give a folder that can.`,
      { cause },
    );
  }
}

/**
 * A first start that was killed leaves half a database, which cannot be opened and in which nothing of anybody's
 * is. The mark tells it from one that has data.
 */
async function openFiles(folder: string, options: DataFolderOptions): Promise<EmbeddedDatabase> {
  const files = join(folder, 'pg');
  const mark = join(folder, 'pg.making');
  if (await exists(mark)) await rm(files, { recursive: true, force: true });
  const isNew = !(await exists(files));
  if (isNew) await writeFile(mark, '');
  const database = await openEmbeddedDatabase({ folder: files, ...options });
  if (isNew) await rm(mark);
  return database;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

// A data folder whose database is made already, copied for each Desk of a test: making one takes seconds of CPU, and there
// are dozens. Where none is made yet, a Desk makes its own.

import { cp } from 'node:fs/promises';
import { madeOnce } from '@millrace/server/testing/servers';
import { openStorage } from '../database-storage.ts';

/**
 * Leaves a folder as it is where there is nothing to copy. Tests that start Desk as a process fill theirs in the same way
 * (tests/e2e/desk/start-desk.ts).
 */
export async function fillDataFolder(folder: string): Promise<void> {
  const made = await madeOnce('desk', async (path) => {
    const storage = await openStorage(path, {});
    await storage.close();
  });
  if (made !== null) await cp(made, folder, { recursive: true });
}

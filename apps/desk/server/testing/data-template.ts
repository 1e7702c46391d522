// A data folder whose database is made already, copied for each Desk of a test: making one takes two seconds of CPU, and
// there are dozens. The first test of a run that asks makes it; who asks meanwhile has its Desk make its own.

import { access, cp, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { openStorage } from '../database-storage.ts';

/** A folder of the run's own, that its set-up made (scripts/lib/vitest-desk-data.ts). */
const PLACE = 'DESK_TEST_DATA';

/** Leaves a folder as it is where there is nothing to copy. */
export async function fillDataFolder(folder: string): Promise<void> {
  const place = process.env[PLACE];
  if (place === undefined) return;
  const made = join(place, 'made');
  if (await exists(made)) {
    await cp(made, folder, { recursive: true });
    return;
  }
  const isFirst = await mkdir(join(place, 'making')).then(
    () => true,
    () => false,
  );
  if (!isFirst) return;
  const making = join(place, 'making', 'data');
  const storage = await openStorage(making, {});
  await storage.close();
  await rename(making, made);
  await cp(made, folder, { recursive: true });
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

// What is dear to make and cheap to copy, made once for all files of a run of tests: the first that asks makes it.

import { access, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';

/** A folder of the run's own, that its set-up made and its end removes (here scripts/lib/vitest-test-data.ts). */
const PLACE = 'MILLRACE_TEST_DATA';

/**
 * Where it is: a file or folder that nobody changes. Null outside of a run, and while another one makes it: who gets null
 * makes its own.
 */
export async function madeOnce(
  name: string,
  make: (path: string) => Promise<void>,
): Promise<string | null> {
  const place = process.env[PLACE];
  if (place === undefined) return null;
  const made = join(place, name);
  if (await exists(made)) return made;
  const making = `${made}.making`;
  const isFirst = await mkdir(making).then(
    () => true,
    () => false,
  );
  if (!isFirst) return null;
  await make(join(making, name));
  await rename(join(making, name), made);
  return made;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

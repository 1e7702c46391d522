// A PGlite for a test, from a copy of one that was made before: to make one anew takes four seconds of CPU, a third of it
// for who copies, and there are dozens in a run of tests.

import { openAsBlob } from 'node:fs';
import { cp, writeFile } from 'node:fs/promises';
import { madeOnce } from './made-once.ts';

interface Dumped {
  dumpDataDir(compression: 'none'): Promise<Blob>;
  close(): Promise<void>;
}

interface PGliteClass<Database extends Dumped> {
  readonly prototype: Database;
  create(options: {
    readonly dataDir?: string;
    readonly loadDataDir?: Blob;
  }): Promise<NoInfer<Database>>;
}

/** Empty, and in memory. The class is the caller's: this package has none. */
export async function readyPglite<Database extends Dumped>(
  PGlite: PGliteClass<Database>,
): Promise<Database> {
  const template = await madeOnce('pglite.tar', async (path) => {
    const first = await PGlite.create({});
    await writeFile(path, (await first.dumpDataDir('none')).stream());
    await first.close();
  });
  const from = template === null ? {} : { loadDataDir: await openAsBlob(template) };
  return PGlite.create(from);
}

/** For a process that opens the folder by itself: where nothing is there to copy, it makes its own. */
export async function fillPgliteFolder(PGlite: PGliteClass<Dumped>, folder: string): Promise<void> {
  const made = await madeOnce('pglite', async (path) => {
    const first = await PGlite.create({ dataDir: path });
    await first.close();
  });
  if (made !== null) await cp(made, folder, { recursive: true });
}

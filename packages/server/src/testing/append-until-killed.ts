// A process that appends, says on its stdout what was answered, one JSON list a line, and is killed (SIGKILL) while it
// does: for tests of what an engine still has afterwards. Rule: LOG-11.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface Victim {
  /** An ES module, as text. It must not end by itself. */
  readonly source: string;
  /** What it finds in `process.argv` from 1 on. */
  readonly args: readonly string[];
  /** Where its imports are looked up. */
  readonly folder: string;
}

/** Killed after so many lines: between two batches of its own, wherever it stands by then. */
const LINES = 25;

/** Resolves with everything that was answered, also what was still in the pipe. */
export async function appendUntilKilled<Answered>(victim: Victim): Promise<readonly Answered[]> {
  const child = spawn(
    process.execPath,
    [
      '--conditions=@millrace/source',
      '--input-type=module',
      '--eval',
      victim.source,
      ...victim.args,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], cwd: victim.folder },
  );
  const exited = once(child, 'exit');
  const answered: Answered[] = [];
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    answered.push(...(JSON.parse(line) as Answered[]));
    lines += 1;
    if (lines === LINES) child.kill('SIGKILL');
  }
  await exited;
  if (child.signalCode !== 'SIGKILL') throw new Error(`It ended by itself: ${child.exitCode}.`);
  return answered;
}

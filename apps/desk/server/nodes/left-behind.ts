// A server whose starter was killed goes on without it. Before another is started in its folder it is asked to end: two
// in one folder would destroy what it holds.

import { readFile, readlink, realpath } from 'node:fs/promises';
import { MillraceError } from '@millrace/protocol';
import { isRunning } from '../database/process-mark.ts';

/**
 * Ends the process whose number is in the file's first line, if it works in `folder`: numbers are used again.
 * @throws MillraceError `settings/data-locked` where that cannot be told, or it does not end
 */
export async function endLeftBehind(options: {
  readonly name: string;
  readonly pidFile: string;
  readonly folder: string;
  readonly signal: NodeJS.Signals;
  readonly withinMs: number;
}): Promise<void> {
  const { name, pidFile, folder, signal, withinMs } = options;
  const text = await readFile(pidFile, 'utf8').catch(() => '');
  const pid = Number(text.split('\n')[0]);
  if (!Number.isSafeInteger(pid) || pid <= 1 || !(await runs(pid))) return;
  const where = await readlink(`/proc/${pid}/cwd`).catch(() => null);
  if (where !== null && where !== (await realpath(folder))) return;
  if (where !== null) process.kill(pid, signal);
  const endsAt = performance.now() + (where === null ? 0 : withinMs);
  while (await runs(pid)) {
    if (performance.now() > endsAt) {
      const message = `${name} runs in ${folder} already (process ${pid}). End it, and start again.`;
      throw new MillraceError('settings/data-locked', message);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function runs(pid: number): Promise<boolean> {
  return isRunning({ pid, startedAt: null });
}

// The real Desk as a process of its own, on a new data folder, with settings of its own; and what its
// process costs, read from outside. Owns the process and the folder.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ServerProcess, startServerProcess, tempFolder } from '@millrace/tests';

const root = join(import.meta.dirname, '..', '..');

export interface DeskProcess extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** CPU time of the process so far, user and system, all threads. */
  cpuMs(): number;
  /** Agents' messages published so far. */
  messageCount(): Promise<number>;
}

/** `settings` as in the environment; log lines below warnings are off unless they say otherwise. */
export async function startDesk(
  settings: Readonly<Record<string, string>> = {},
): Promise<DeskProcess> {
  buildDeskPage();
  const folder = await tempFolder();
  const server = await startServerProcess({
    entry: join(root, 'apps/desk/server/main.ts'),
    cwd: root,
    env: { DATA_DIR: join(folder.path, 'data'), LOG_LEVEL: 'warn', ...settings },
    ready: { stdout: /Desk is open/ },
    deadlineMs: 60_000,
  });
  return {
    url: server.url,
    port: server.port,
    cpuMs: () => cpuMsOf(server.pid()),
    messageCount: () => messageCount(server),
    async [Symbol.asyncDispose]() {
      await server.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** As `npm start` does it: only when its sources changed. */
export function buildDeskPage(): void {
  execFileSync(process.execPath, [join(root, 'scripts/bootstrap.mjs'), 'page'], {
    cwd: root,
    stdio: 'inherit',
  });
}

/** From the cursor behind the newest message: offsets have no hole. */
async function messageCount(server: ServerProcess): Promise<number> {
  const response = await fetch(`${server.url}/api/chat/messages?limit=1`);
  const { next }: { next: string } = await response.json();
  return Number(next.split('.').at(-1));
}

/** In steps of 10 ms, the kernel's tick of accounting. */
function cpuMsOf(pid: number): number {
  if (process.platform !== 'linux') {
    throw new Error("this bench reads the server's CPU time from /proc, which only Linux has");
  }
  // The command's name may hold spaces: count from behind its closing bracket.
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

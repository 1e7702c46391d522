// Runs a command, collects what it says, and ends it (with all that it started) when it takes too
// long or when this process is told to stop: a test run leaves no server and no browser behind.
import { spawn } from 'node:child_process';

export interface CommandResult {
  /** `undefined` when it was ended from here. */
  readonly code: number | undefined;
  readonly output: string;
}

export interface CommandOptions {
  readonly timeoutMs: number;
  readonly env?: Readonly<Record<string, string>>;
}

export function runCommand(
  file: string,
  args: readonly string[],
  { timeoutMs, env = {} }: CommandOptions,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    // Its own process group, so that it can be ended as a whole.
    const child = spawn(file, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
    });
    let output = '';
    let ended = false;
    const end = (): void => {
      ended = true;
      endGroup(child.pid);
    };
    const interrupted = (signal: NodeJS.Signals): void => {
      end();
      process.exit(signal === 'SIGINT' ? 130 : 143);
    };
    const timer = setTimeout(() => {
      output += `\nended after ${Math.round(timeoutMs / 1000)} s: it took too long\n`;
      end();
    }, timeoutMs);
    process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const settle = (): void => {
      clearTimeout(timer);
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    };
    child.on('error', (error) => {
      settle();
      reject(new Error(`cannot run ${file}: ${error.message}`, { cause: error }));
    });
    child.on('close', (code) => {
      settle();
      resolve({ code: ended ? undefined : (code ?? undefined), output });
    });
  });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // It has ended by itself between the decision and the signal.
  }
}

// A process that dies takes the memory engine's offsets with it: the next one must not be taken for it. Rule: LOG-11.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';

const SCRIPT = `
  import { memoryEngine } from ${JSON.stringify(join(import.meta.dirname, 'memory-engine.ts'))};
  const { log } = memoryEngine();
  const [outcome] = await log.append([{ channel: 'a', body: '"type":"said","data":1' }]);
  process.stdout.write(JSON.stringify(outcome.cursor), () => process.kill(process.pid, 'SIGKILL'));
`;

it('LOG-11: a memory engine after a killed process is in another epoch', async () => {
  const cursors = [await cursorOfKilledProcess(), await cursorOfKilledProcess()];
  const [before, after] = cursors.map(
    (text) => JSON.parse(text) as { epoch: string; offset: number },
  );
  expect(after?.offset).toBe(before?.offset);
  expect(after?.epoch).not.toBe(before?.epoch);
});

async function cursorOfKilledProcess(): Promise<string> {
  const args = ['--conditions=@millrace/source', '--input-type=module', '--eval', SCRIPT];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const output = await text(child.stdout);
  const [, signal] = await exited;
  expect(signal).toBe('SIGKILL');
  return output;
}

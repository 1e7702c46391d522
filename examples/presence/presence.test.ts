// The example prints who comes, what they point at, and that they left.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';

it('shows who is present, and what passes', async () => {
  const file = new URL('./presence.ts', import.meta.url);
  const child = spawn(process.execPath, ['--conditions=@millrace/source', file.pathname], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const chunk of child.stdout) {
    output += String(chunk);
    if (/Ada[\s\S]*nobody/.test(output)) break;
  }
  child.kill();
  await once(child, 'exit');
  const lines = output.trim().split('\n');
  expect(lines.slice(lines.indexOf('present: Ada'))).toEqual([
    'present: Ada',
    'pointed at 3, 4',
    'present: nobody',
  ]);
});

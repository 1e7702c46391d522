// The README's first example prints what it promises.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';

it('prints each event once and in order', async () => {
  const file = new URL('./quickstart.ts', import.meta.url);
  const child = spawn(process.execPath, ['--conditions=@millrace/source', file.pathname], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const chunk of child.stdout) {
    output += String(chunk);
    if (output.includes('100 %')) break;
  }
  child.kill();
  await once(child, 'exit');
  expect(output).toBe('1: 25 %\n2: 50 %\n3: 100 %\n');
});

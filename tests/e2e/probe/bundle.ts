// Builds the probe page's script with vite, the way an application would get the client: from its
// package, for a browser. Owns the build, once a process; serves nothing.

import { join } from 'node:path';
import { build } from 'vite';

let script: Promise<string> | undefined;

/** The whole page's JavaScript, one file. */
export function probeScript(): Promise<string> {
  script ??= bundle();
  return script;
}

async function bundle(): Promise<string> {
  const result = await build({
    root: import.meta.dirname,
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@millrace/source', 'browser', 'module', 'import', 'default'] },
    build: {
      write: false,
      target: 'es2022',
      lib: {
        entry: join(import.meta.dirname, 'page.ts'),
        formats: ['es'],
        fileName: 'probe',
      },
    },
  });
  const outputs = Array.isArray(result) ? result : [result];
  for (const each of outputs) {
    if (!('output' in each)) continue;
    const [chunk] = each.output;
    return chunk.code;
  }
  throw new Error('vite gave no output for the probe page');
}

// The page's script as an application's bundler makes it, once a process.

import { join } from 'node:path';
import { build } from 'vite';

export async function bundlePage(): Promise<string> {
  const result = await build({
    root: import.meta.dirname,
    configFile: false,
    logLevel: 'error',
    // In a test runner vite would take React's development build.
    oxc: { jsx: { runtime: 'automatic', development: false } },
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      ...{ write: false, target: 'es2022', minify: false },
      lib: {
        entry: join(import.meta.dirname, 'page.tsx'),
        formats: ['es'],
        fileName: 'page',
      },
    },
  });
  for (const one of Array.isArray(result) ? result : [result]) {
    if ('output' in one) return one.output[0].code;
  }
  throw new Error('vite gave no output for the page of the chats');
}

// Builds the pages of bench/pages into one document each, once a process. Serves nothing (front.ts and answer-server.ts do).

import { join } from 'node:path';
import { build } from 'vite';

const pages = join(import.meta.dirname, '..', 'pages');
const built = new Map<string, Promise<string>>();

export function chatPage(): Promise<string> {
  return once('chat');
}

export function answerPage(): Promise<string> {
  return once('answer');
}

function once(name: 'chat' | 'answer'): Promise<string> {
  const known = built.get(name) ?? buildHtml(name);
  built.set(name, known);
  return known;
}

/** One document with everything in it: a page's own files must not count as its channel's bytes. */
async function buildHtml(name: 'chat' | 'answer'): Promise<string> {
  const result = await build({
    root: pages,
    configFile: false,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    resolve: { conditions: ['@millrace/source', 'browser', 'module', 'import', 'default'] },
    build: {
      write: false,
      target: 'es2023',
      lib: { entry: join(pages, `${name}.tsx`), formats: ['es'], fileName: name },
    },
  });
  const output = (Array.isArray(result) ? result : [result]).flatMap((each) =>
    'output' in each ? each.output : [],
  );
  const code = output.flatMap((each) => (each.type === 'chunk' ? [each.code] : [])).join('\n');
  const styles = output.flatMap((each) =>
    each.type === 'asset' && each.fileName.endsWith('.css') ? [String(each.source)] : [],
  );
  if (code === '' || (name === 'chat' && styles.length === 0)) throw new Error('vite gave no page');
  return [
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Bench</title>',
    '<link rel="icon" href="data:,">',
    `<style>html, body, #root { height: 100%; margin: 0 }\n${styles.join('\n')}</style>`,
    '<div id="root"></div>',
    `<script type="module">${code.replaceAll('</script', '<\\/script')}</script></html>`,
  ].join('\n');
}

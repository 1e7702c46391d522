// Opens bench/pages/chat.tsx as if a server of the user's own had it: same origin as the Desk behind
// it. Owns the build, once a process, and the slipping in; measures nothing.

import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { build } from 'vite';

const pages = join(import.meta.dirname, '..', 'pages');
let built: Promise<string> | undefined;

export async function openChatPage(
  page: Page,
  url: string,
  options: { readonly isStreaming: boolean },
): Promise<void> {
  built ??= buildHtml();
  const html = await built;
  await page.route('**/bench-chat*', (route) =>
    route.fulfill({ contentType: 'text/html', body: html }),
  );
  await page.goto(`${url}/bench-chat?streaming=${options.isStreaming ? 'yes' : 'no'}`);
  // With no route left the browser's requests go their own way again, at their own speed.
  await page.unrouteAll();
}

/** One document with everything in it: a page's own files must not count as its channel's bytes. */
async function buildHtml(): Promise<string> {
  const result = await build({
    root: pages,
    configFile: false,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    resolve: { conditions: ['@millrace/source', 'browser', 'module', 'import', 'default'] },
    build: {
      write: false,
      target: 'es2023',
      lib: { entry: join(pages, 'chat.tsx'), formats: ['es'], fileName: 'chat' },
    },
  });
  const output = (Array.isArray(result) ? result : [result]).flatMap((each) =>
    'output' in each ? each.output : [],
  );
  const code = output.flatMap((each) => (each.type === 'chunk' ? [each.code] : [])).join('\n');
  const styles = output.flatMap((each) =>
    each.type === 'asset' && each.fileName.endsWith('.css') ? [String(each.source)] : [],
  );
  if (code === '' || styles.length === 0) throw new Error('vite gave no page');
  return [
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Chat</title>',
    '<link rel="icon" href="data:,">',
    `<style>html, body, #root { height: 100%; margin: 0 }\n${styles.join('\n')}</style>`,
    '<div id="root"></div>',
    `<script type="module">${code.replaceAll('</script', '<\\/script')}</script></html>`,
  ].join('\n');
}

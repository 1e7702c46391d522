// The built page: hashed files for ever, index.html always fresh, and index.html for every address of the page's own.
// Refuses to own: building it (`npm start` does). A missing build is told in one plain sentence.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serveStatic } from '@hono/node-server/serve-static';
import { MillraceError } from '@millrace/protocol';
import type { Hono } from 'hono';
import { compress } from 'hono/compress';
import { answerNotFound } from './answers.ts';
import type { DeskEnv } from './routes.ts';

const FOR_EVER = 'public, max-age=31536000, immutable';

export function addPage(app: Hono<DeskEnv>, folder: string): void {
  const index = join(folder, 'index.html');
  const files = serveStatic<DeskEnv>({
    root: folder,
    // The index is the fallback's alone, so that it is never cached by another rule.
    index: '.no-index',
  });
  app.on('GET', '*', compress(), async (c, next) => {
    const { path } = c.req;
    if (isServers(path)) return answerNotFound(c);
    if (path === '/index.html') return c.redirect('/', 308);
    if (path === '/') return next();
    const found = await files(c, next);
    // Not finalized: the file was found here, and no later route has answered.
    if (found instanceof Response && !c.finalized) {
      found.headers.set('Cache-Control', path.startsWith('/assets/') ? FOR_EVER : 'no-cache');
    }
    return found;
  });
  app.on('GET', '*', compress(), async (c) => {
    // A file that is not there must not come back as a page: a script would fail with a riddle.
    if (/\.[a-z0-9]+$/i.test(c.req.path)) return answerNotFound(c);
    if (!existsSync(index)) {
      throw new MillraceError(
        'request/not-found',
        'The page has not been built yet. Start Desk with `npm start`, which builds it. The API under /api works.',
      );
    }
    c.header('Cache-Control', 'no-cache');
    return c.html(await readFile(index, 'utf8'));
  });
}

/** Addresses that belong to the server: what is missing there is a JSON 404, not the page. */
function isServers(path: string): boolean {
  return ['/api', '/realtime', '/health'].some((own) => path === own || path.startsWith(`${own}/`));
}

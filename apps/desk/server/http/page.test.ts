// The built page over HTTP: what is cached for how long, what falls back to the page, what never does.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestDesk, type TestDesk } from '../testing/test-desk.ts';

const SCRIPT = `console.log('page');`.repeat(200);
let pageFolder = '';
let desk: TestDesk;
beforeAll(async () => {
  pageFolder = await mkdtemp(join(tmpdir(), 'desk-page-'));
  desk = await startTestDesk({ pageFolder });
});
afterAll(async () => {
  await desk[Symbol.asyncDispose]();
  await rm(pageFolder, { recursive: true, force: true });
});

test('before the page is built it is said in a sentence what to do, and the API works', async () => {
  const response = await desk.get('/');
  expect(response.status).toBe(404);
  expect(await response.text()).toContain('npm start');
  expect((await desk.get('/api/me')).status).toBe(200);
});

test('the page comes fresh, hashed files for ever and compressed, and every address of its own gives the page', async () => {
  await mkdir(join(pageFolder, 'assets'));
  await writeFile(join(pageFolder, 'index.html'), '<!doctype html><title>Desk</title>');
  await writeFile(join(pageFolder, 'assets', 'index-abc.js'), SCRIPT);
  await writeFile(join(pageFolder, 'theme.js'), SCRIPT);

  for (const path of ['/', '/floor', '/runs/7']) {
    const page = await desk.get(path);
    expect(await page.text()).toContain('<title>Desk</title>');
    expect(page.headers.get('cache-control')).toBe('no-cache');
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self';");
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
  }
  const script = await desk.get('/assets/index-abc.js');
  expect(await script.text()).toBe(SCRIPT);
  expect(script.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect(script.headers.get('content-type')).toContain('text/javascript');
  expect(script.headers.get('content-encoding')).toBe('gzip');
  const theme = await desk.get('/theme.js');
  expect(theme.headers.get('cache-control')).toBe('no-cache');
  await theme.body?.cancel();
});

test.each([
  '/assets/gone.js',
  '/api/gone',
  '/realtime/gone',
  '/health/gone',
  '/..%2f..%2fetc/passwd.txt',
])('%s is a JSON 404 and never the page', async (path) => {
  const response = await desk.get(path);
  expect(response.status).toBe(404);
  expect(response.headers.get('content-type')).toContain('application/json');
});

test('a file outside of the folder cannot be had', async () => {
  for (const path of ['/%2e%2e/secret.txt', '/assets/..%2f..%2fsecret.txt', '/..\\secret.txt']) {
    expect((await desk.get(path)).status).toBe(404);
  }
});

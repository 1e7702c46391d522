import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type ServerProcessOptions, startServerProcess } from './server-process.ts';
import { tempFolder } from './wait.ts';

/** Counts its starts in a file, as a server with a data folder does. TypeScript on purpose. */
const program = `
  import { createServer } from 'node:http';
  import { appendFileSync, readFileSync } from 'node:fs';
  const file: string = process.env.DATA_FILE ?? '';
  appendFileSync(file, 'x');
  const server = createServer((request, response) => {
    if (request.url === '/environment') response.end(JSON.stringify(process.env));
    else response.end(String(readFileSync(file, 'utf8').length));
  });
  server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('listening'));
  console.error('a warning');
  process.on('SIGTERM', () => server.close(() => process.exit(7)));
`;

interface Prepared extends AsyncDisposable {
  readonly options: ServerProcessOptions;
}

async function prepare(
  source: string,
  ready: ServerProcessOptions['ready'],
  deadlineMs = 10_000,
): Promise<Prepared> {
  const folder = await tempFolder();
  const entry = join(folder.path, 'program.mts');
  await writeFile(entry, source);
  const env = { DATA_FILE: join(folder.path, 'starts') };
  return {
    options: { entry, env, ready, deadlineMs },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

test('kill -9 and restart keep port and data, SIGTERM lets it end in its own way', async () => {
  await using prepared = await prepare(program, { path: '/' });
  await using server = await startServerProcess(prepared.options);
  const starts = async (): Promise<string> => (await fetch(server.url)).text();
  expect(await starts()).toBe('1');
  const firstPid = server.pid();

  expect(await server.kill('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
  await expect(starts()).rejects.toThrow('fetch failed');
  await server.restart();
  expect(await starts()).toBe('2');
  expect(server.pid()).not.toBe(firstPid);

  expect(await server.kill('SIGTERM')).toEqual({ code: 7, signal: null });
  expect(await server.kill('SIGTERM')).toEqual({ code: 7, signal: null });
  expect(server.stderr()).toContain('a warning');
});

test('it waits for a line of stdout, and the runner’s environment stays out', async () => {
  await using prepared = await prepare(program, { stdout: /^listening$/m });
  await using server = await startServerProcess(prepared.options);
  const environment: unknown = await (await fetch(`${server.url}/environment`)).json();
  expect(environment).toHaveProperty('PORT', `${server.port}`);
  expect(environment).not.toHaveProperty('VITEST');
  expect(environment).not.toHaveProperty('NODE_ENV');
});

test('a program that ends early fails at once with its output', async () => {
  await using prepared = await prepare(`console.error('no such folder'); process.exit(3);`, {
    path: '/',
  });
  await expect(startServerProcess(prepared.options)).rejects.toThrow(
    /ended \(3\) before it was ready[^]*no such folder/,
  );
});

test('a working folder that does not exist fails at once', async () => {
  await using prepared = await prepare(program, { path: '/' });
  await expect(startServerProcess({ ...prepared.options, cwd: '/nowhere' })).rejects.toThrow(
    'ENOENT',
  );
});

test('a program that is never ready fails at its deadline and is ended', async () => {
  await using prepared = await prepare(
    `console.log('pid=' + process.pid); setInterval(() => {}, 1000);`,
    { stdout: /never/ },
    700,
  );
  const failure: unknown = await startServerProcess(prepared.options).catch(
    (error: unknown) => error,
  );
  expect(String(failure)).toMatch(/gave up waiting for .*program\.mts to be ready after 700 ms/);
  const pid = Number(/pid=(\d+)/.exec(String(failure))?.[1]);
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});

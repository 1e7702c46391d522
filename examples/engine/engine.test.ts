import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { defineChannel } from '@millrace/protocol';
import { createHub } from '@millrace/server';
import { engineCases } from '@millrace/server/testing';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { sqliteEngine } from './sqlite-engine.ts';

const room = defineChannel({
  type: 'room',
  params: ['id'],
  events: { said: v.object({ text: v.string() }) },
});

it('passes every case, in a runner of its own', async () => {
  const { code, output } = await runNode([
    '--test',
    '--test-reporter=tap',
    pathOf('conformance.ts'),
  ]);
  expect(output).toContain(`# pass ${engineCases.length}\n`);
  expect(output).toContain('# skipped 0\n');
  expect(code).toBe(0);
});

it('LOG-11: what was answered before a kill is read back, in the same epoch; a second process is refused', async () => {
  await using file = await temporaryFile();
  const script = `
    import { sqliteEngine } from ${JSON.stringify(pathOf('sqlite-engine.ts'))};
    const { log } = sqliteEngine({ file: ${JSON.stringify(file.path)} });
    const [outcome] = await log.append([{ channel: 'a', body: '"type":"said","data":1', key: 'k' }]);
    process.stdout.write(JSON.stringify(outcome.cursor), () => process.kill(process.pid, 'SIGKILL'));
  `;
  const { output } = await runNode(['--input-type=module', '--eval', script]);
  const cursor: unknown = JSON.parse(output);
  const engine = sqliteEngine({ file: file.path });
  expect(() => sqliteEngine({ file: file.path })).toThrow('locked');
  const request = { channel: 'a', body: '"type":"said","data":2' };
  const outcomes = await engine.log.append([{ ...request, key: 'k' }, request]);
  expect(outcomes).toMatchObject([
    { cursor, isDuplicate: true },
    { cursor: { ...(cursor as object), offset: 2 }, isDuplicate: false },
  ]);
  await engine.close();
});

it('carries a hub over a restart', async () => {
  await using file = await temporaryFile();
  for (const round of [1, 2]) {
    const engine = sqliteEngine({ file: file.path });
    const hub = createHub({ contracts: [room], engine });
    const said = { type: 'said', data: { text: `round ${round}` } } as const;
    expect((await hub.publish(room.of({ id: '1' }), said)).offset).toBe(round);
    const { events } = await hub.history(room.of({ id: '1' }));
    expect(events.map(({ data }) => data.text)).toEqual(['round 1', 'round 2'].slice(0, round));
    await hub.close();
    await engine.close();
  }
});

function pathOf(name: string): string {
  return join(import.meta.dirname, name);
}

async function temporaryFile(): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'engine-'));
  return {
    path: join(folder, 'log.sqlite'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

async function runNode(
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(process.execPath, ['--conditions=@millrace/source', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Set by a runner in a runner, it would change what is printed.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  const exited = once(child, 'exit');
  const output = await text(child.stdout);
  const [code] = await exited;
  return { code, output };
}

// What is published on one node is read on the other, and a node that is told to end does.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createClient } from '@millrace/client';
import { defineChannel } from '@millrace/protocol';
import { startPostgres } from '@millrace/server/testing/servers';
import * as v from 'valibot';
import { expect, it } from 'vitest';

const room = defineChannel({
  type: 'room',
  params: ['id'],
  events: { said: v.object({ text: v.string() }) },
  access: { subscribe: 'public', publish: 'public' },
});

it('joins two nodes by their database', async () => {
  await using database = await startPostgres();
  const nodes = await Promise.all([startNode(database.url()), startNode(database.url())]);
  const [reader, writer] = nodes.map(({ url }) => createClient({ url }));
  const heard = new Promise((resolve) => {
    reader?.subscribe(room.of({ id: '1' }), {
      start: 'start',
      onEvent: ({ data }) => resolve(data.text),
    });
  });
  await writer?.publish(room.of({ id: '1' }), { type: 'said', data: { text: 'hello' } });
  expect(await heard).toBe('hello');
  await Promise.all([reader?.close(), writer?.close()]);
  for (const { child } of nodes) {
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
  }
});

async function startNode(
  databaseUrl: string,
): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const port = await freePort();
  const file = new URL('./node.ts', import.meta.url);
  const child = spawn(process.execPath, ['--conditions=@millrace/source', file.pathname], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, DATABASE_URL: databaseUrl, PORT: `${port}` },
  });
  await once(child.stdout, 'data');
  return { child, url: `http://127.0.0.1:${port}/realtime` };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

// A cluster of one node that stands still: what was handed to it is closed when it is killed.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { eventually } from '../testing/eventually.ts';

const HANDED_OVER = JSON.stringify(pathToFileURL(join(import.meta.dirname, 'handed-over.ts')).href);
const PROGRAM = `
  const { default: cluster } = await import('node:cluster');
  const { createServer } = await import('node:net');
  if (cluster.isPrimary) {
    const { closeWhatDiesWith } = await import(${HANDED_OVER});
    const worker = cluster.fork();
    closeWhatDiesWith(worker);
    worker.on('listening', ({ port }) => console.log(JSON.stringify({ port, pid: worker.process.pid })));
    // Goes on without it.
    worker.on('exit', () => setInterval(() => undefined, 1_000));
  } else {
    createServer((socket) => socket.end('answered')).listen(0, '127.0.0.1');
  }`;

test('a connection that a node was given and never took is closed when the node dies', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'desk-handed-'));
  const program = join(folder, 'program.mjs');
  await writeFile(program, PROGRAM);
  const args = ['--conditions=@millrace/source', program];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = await once(child.stdout, 'data');
    const { port, pid } = JSON.parse(String(line));
    const answers: string[] = [];
    const visit = () => {
      const socket = connect(port, '127.0.0.1');
      socket.on('data', (data) => answers.push(String(data))).on('error', () => undefined);
      return { connected: once(socket, 'connect'), closed: once(socket, 'close') };
    };
    await visit().closed;
    expect(answers).toEqual(['answered']);

    process.kill(pid, 'SIGSTOP');
    const waiting = visit();
    await waiting.connected;
    let isClosed = false;
    void waiting.closed.then(() => {
      isClosed = true;
    });
    process.kill(pid, 'SIGKILL');
    await eventually('the connection was closed', () => isClosed, 5_000);
    expect(answers).toHaveLength(1);
  } finally {
    child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
});

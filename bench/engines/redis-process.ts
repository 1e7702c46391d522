// A redis-server of the bench's own: a folder and a port that are its alone, nothing kept, ended by its pid.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePort, tempFolder } from '@millrace/tests';
import { Redis } from 'ioredis';

export interface RedisProcess extends AsyncDisposable {
  readonly port: number;
  readonly client: Redis;
}

/** @param cores as `taskset` names them; default all */
export async function startRedisProcess(cores?: string): Promise<RedisProcess> {
  const folder = await tempFolder();
  const port = await freePort();
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder.path, '--save', ''];
  const [program = '', ...words] = [
    ...(cores === undefined ? [] : ['taskset', '-c', cores]),
    ...['redis-server', ...args],
  ];
  const child = spawn(program, words, { stdio: 'ignore' });
  const client = new Redis(port, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
  client.on('error', () => undefined);
  await client.ping();
  return {
    port,
    client,
    async [Symbol.asyncDispose]() {
      client.disconnect();
      const ended = once(child, 'exit');
      child.kill();
      await ended;
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** User and system, of all its threads, since it began. */
export async function serverCpuSeconds(client: Redis): Promise<number> {
  const info = await client.info('cpu');
  const read = (name: string): number => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1]);
  return read('used_cpu_user') + read('used_cpu_sys');
}

// A port that nobody has at this moment, on loopback unless told.

import { once } from 'node:events';
import { createServer } from 'node:net';

export async function freePort(host: string = '127.0.0.1'): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const at = server.address();
  server.close();
  await once(server, 'close');
  if (at === null || typeof at === 'string') throw new Error('a listening server has no port');
  return at.port;
}

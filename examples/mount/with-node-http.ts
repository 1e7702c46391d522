// The hub in a plain `node:http` server.

import { createServer, type Server } from 'node:http';
import type { Hub } from '@millrace/server';

export function serveWithNodeHttp(hub: Hub): Server {
  const server = createServer(async (req, res) => {
    if (await hub.handle(req, res)) return;
    res.end('node:http and Millrace on one port');
  });
  server.on('upgrade', (req, socket, head) => {
    if (!hub.upgrade(req, socket, head)) socket.destroy();
  });
  return server;
}

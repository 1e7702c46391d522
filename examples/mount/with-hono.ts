// The hub beside a Hono app on one `node:http` server.

import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Hub } from '@millrace/server';
import { Hono } from 'hono';

export function serveWithHono(hub: Hub): Server {
  const app = new Hono();
  app.get('/', (context) => context.text('Hono and Millrace on one port'));
  const listener = getRequestListener(app.fetch);
  const server = createServer(async (req, res) => {
    if (!(await hub.handle(req, res))) await listener(req, res);
  });
  server.on('upgrade', (req, socket, head) => {
    if (!hub.upgrade(req, socket, head)) socket.destroy();
  });
  return server;
}

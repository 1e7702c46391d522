// The hub in an Express app. Its own paths go first; everything else is Express's.

import { createServer, type Server } from 'node:http';
import type { Hub } from '@millrace/server';
import express from 'express';

export function serveWithExpress(hub: Hub): Server {
  const app = express();
  // Before any body parser or compression: a stream must reach the hub untouched.
  app.use((req, res, next) => {
    hub.handle(req, res).then((isHandled) => {
      if (!isHandled) next();
    }, next);
  });
  app.get('/', (_req, res) => {
    res.send('Express and Millrace on one port');
  });
  const server = createServer(app);
  server.on('upgrade', (req, socket, head) => {
    if (!hub.upgrade(req, socket, head)) socket.destroy();
  });
  return server;
}

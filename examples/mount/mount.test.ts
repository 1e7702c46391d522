// Each way to mount the hub serves its own pages and, on the same port, all three carriers.

import { once } from 'node:events';
import type { Server } from 'node:http';
import { createClient } from '@millrace/client';
import { defineChannel } from '@millrace/protocol';
import { createHub, type Hub } from '@millrace/server';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { serveWithExpress } from './with-express.ts';
import { serveWithHono } from './with-hono.ts';
import { serveWithNodeHttp } from './with-node-http.ts';

const greetings = defineChannel({
  type: 'greetings',
  events: { said: v.object({ text: v.string() }) },
  access: { subscribe: 'public' },
});

const WAYS: readonly (readonly [string, (hub: Hub) => Server])[] = [
  ['node:http', serveWithNodeHttp],
  ['Express', serveWithExpress],
  ['Hono', serveWithHono],
];

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('It listens on no port');
  return `http://127.0.0.1:${address.port}`;
}

describe.each(WAYS)('the hub in %s', (name, serve) => {
  it.each(['websocket', 'sse', 'poll'] as const)('is reached by %s', async (transport) => {
    const hub = createHub({ contracts: [greetings] });
    const server = serve(hub);
    const origin = await listen(server);
    const client = createClient({ url: `${origin}/realtime`, transports: [transport] });
    try {
      await hub.publish(greetings.of(), { type: 'said', data: { text: 'hello' } });
      const heard = await new Promise<string>((resolve) => {
        client.subscribe(greetings.of(), {
          start: 'start',
          onEvent: (event) => resolve(event.data.text),
        });
      });
      expect(heard).toBe('hello');
      expect(await (await fetch(origin)).text()).toContain(`${name} and Millrace`);
    } finally {
      await client.close();
      await hub.close();
      server.closeAllConnections();
      server.close();
    }
  });
});

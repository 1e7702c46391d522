// Official clients, unmodified, straight and through nginx: each asks, is cut off in the middle, comes again by its own
// means, and has what is stored, byte for byte.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startNginx } from '../support/nginx.ts';
import { until } from '../support/wait.ts';
import { type ChatServer, startChatServer } from './chat-server.ts';
import { CLIENTS } from './clients.ts';
import { ANSWER, HALF } from './script.ts';

let stack: AsyncDisposableStack;
let server: ChatServer;
let urls: Readonly<Record<string, string>>;

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  server = stack.use(await startChatServer());
  const nginx = stack.use(await startNginx(server.port));
  urls = { straight: server.url, nginx: nginx.url };
});

afterAll(() => stack.disposeAsync());

describe.each(['straight', 'nginx'])('%s', (way) => {
  test.each(CLIENTS)(
    '$rules: $name asks, is cut off in the middle and comes again: it has what is stored',
    async ({ name, open }) => {
      const chat = `${way} ${name}`.replaceAll(/[^a-z0-9]+/gi, '-');
      const reader = open(urls[way] ?? '', chat);
      const asked = reader.ask();
      // Before the model goes on: nothing waits in a buffer on the way.
      await until(() => reader.text() === HALF, {
        label: 'half of the answer',
        details: () => JSON.stringify([reader.text(), server.errors]),
      });
      server.cutAll();
      expect(await asked).toBe(false);
      const back = reader.again();
      await until(() => reader.text() === HALF, { label: 'the same half' });
      server.release(chat);
      expect(await back).toBe(true);
      const stored = await until(
        async () => {
          const all = await server.stored(chat);
          return all.length > 0 && all;
        },
        { label: 'the stored answer' },
      );
      expect(stored).toHaveLength(1);
      expect(reader.text()).toBe(stored[0]?.text);
      expect(reader.text()).toBe(ANSWER);
      expect(reader.answers()).toBe(1);
      expect(server.errors).toEqual([]);
    },
  );
});

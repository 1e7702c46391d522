// Publishing from clients on every carrier, tokens that expire, and state, against the real hub.

import type { Carrier } from '@millrace/client';
import { createClient } from '@millrace/client';
import { MillraceError } from '@millrace/protocol';
import { describe, expect, test } from 'vitest';
import { until } from '../support/wait.ts';
import { numbers, recordNumbers, startMatrixHub, sums, upTo } from './matrix-hub.ts';

const carriers: readonly Carrier[] = ['websocket', 'sse', 'poll'];

describe.each(carriers)('over %s', (carrier) => {
  test('CLI-13: publishes whose answers are lost are kept once, in order, and answered', async () => {
    await using server = await startMatrixHub({
      other: ({ ordinal }) => (ordinal % 3 === 0 ? { mode: 'lose-response' } : { mode: 'pass' }),
    });
    await using reader = recordNumbers('lossy', { url: server.directUrl });
    await using writer = createClient({ url: server.url, transports: [carrier] });
    const answers: Promise<unknown>[] = [];
    for (const n of upTo(30)) {
      answers.push(writer.publish(numbers.of({ name: 'lossy' }), { type: 'counted', data: { n } }));
      if (n % 10 === 0) {
        await until(() => reader.seen.length >= n - 9, { label: 'some', deadlineMs: 30_000 });
        server.proxy.cut(carrier === 'sse' ? 'stream' : carrier, { how: 'rst' });
      }
    }
    const cursors = await Promise.all(answers);
    expect(cursors).toHaveLength(30);
    await until(() => reader.seen.length >= 30, { label: 'all events' });
    expect(reader.seen).toEqual(upTo(30));
  });

  test('PUB-2: a refusal comes back as the error it is', async () => {
    await using server = await startMatrixHub();
    await using client = createClient({ url: server.url, transports: [carrier] });
    const unknown = { ...numbers.of({ name: 'x' }), name: 'nowhere:x' };
    await expect(
      client.publish(unknown, { type: 'counted', data: { n: 1 } }),
    ).rejects.toMatchObject({
      code: 'channel/unknown',
    });
  });

  test('AUTH-3: a token that expires is replaced once, and nothing is lost or doubled', async () => {
    let asked = 0;
    const identify = ({ token }: { readonly token: string | null }) => {
      if (token === null) throw new MillraceError('auth/required', 'Sign in.');
      // The first token lives for half a second only.
      return token === 'token-1' ? { id: 'ann', expiresAt: startedAt + 500 } : { id: 'ann' };
    };
    const startedAt = Date.now();
    await using server = await startMatrixHub({}, { authenticate: identify });
    await using reader = recordNumbers('private', {
      url: server.url,
      transports: [carrier],
      token: () => {
        asked += 1;
        return Promise.resolve(`token-${asked}`);
      },
    });
    let n = 0;
    await until(
      async () => {
        n += 1;
        await server.hub.publish(numbers.of({ name: 'private' }), { type: 'counted', data: { n } });
        return asked === 2 && Date.now() - startedAt > 1_200;
      },
      { label: 'the second token', deadlineMs: 30_000, everyMs: 20 },
    );
    await until(() => reader.seen.length >= n, { label: 'all events' });
    expect(reader.story).toEqual(['exact', ...upTo(n)]);
    expect(asked).toBe(2);
  });

  test('CLI-11: without a token where one is needed the client stops and says why', async () => {
    await using server = await startMatrixHub(
      {},
      {
        authenticate: () => {
          throw new MillraceError('auth/required', 'Sign in.');
        },
      },
    );
    await using reader = recordNumbers('private', { url: server.url, transports: [carrier] });
    await until(() => reader.client.status.getSnapshot().status === 'closed', { label: 'the end' });
    expect(reader.client.status.getSnapshot()).toMatchObject({
      isFinal: true,
      error: { code: 'auth/required' },
    });
  });

  test('CHAN-7: state from a snapshot and what follows is the sum of everything, with a cut between', async () => {
    await using server = await startMatrixHub();
    const channel = sums.of({ name: 'all' });
    for (const n of upTo(20)) await server.hub.publish(channel, { type: 'counted', data: { n } });
    await using client = createClient({ url: server.url, transports: [carrier] });
    let latest = { sum: 0, count: 0 };
    client.subscribe(channel, {
      onState: (state) => {
        latest = state;
      },
    });
    await until(() => latest.count === 20, { label: 'the snapshot' });
    for (let n = 21; n <= 40; n += 1) {
      await server.hub.publish(channel, { type: 'counted', data: { n } });
      if (n === 30) server.proxy.cutAll({ how: 'rst' });
    }
    await until(() => latest.count >= 40, { label: 'the tail', deadlineMs: 30_000 });
    expect(latest).toEqual({ sum: 820, count: 40 });
  });

  test('SUB-1: channels that come and go while the link stands lose nothing of the others', async () => {
    await using server = await startMatrixHub();
    await using reader = recordNumbers('steady', { url: server.url, transports: [carrier] });
    const guests: number[] = [];
    let n = 0;
    const publish = async (): Promise<void> => {
      n += 1;
      await server.hub.publish(numbers.of({ name: 'steady' }), { type: 'counted', data: { n } });
    };
    await until(() => reader.story.length > 0, { label: 'the first channel' });
    for (const name of ['a', 'b', 'c']) {
      const channel = numbers.of({ name });
      await server.hub.publish(channel, { type: 'counted', data: { n: 7 } });
      const end = reader.client.subscribe(channel, {
        start: { last: 1 },
        onEvent: ({ data }) => guests.push(data.n),
      });
      const before = guests.length;
      await until(
        async () => {
          await publish();
          return guests.length > before;
        },
        { label: `channel ${name}`, everyMs: 10 },
      );
      end();
    }
    await publish();
    await until(() => reader.seen.length >= n, { label: 'all events' });
    expect(guests).toEqual([7, 7, 7]);
    expect(reader.story).toEqual(['exact', ...upTo(n)]);
  });
});

// What a program calls: history, stream, end, stats, close.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { encodeCursor } from '@millrace/protocol';
import { toOffset } from '@millrace/protocol/wire';
import { describe, expect, test } from 'vitest';
import { createHub } from './hub.ts';
import type { Hub, StreamOptions } from './hub-types.ts';
import { rawSocket } from './testing/raw-http.ts';
import { closedNotes, openNotes, pacedNotes, testContracts } from './testing/test-channels.ts';
import { waitUntil } from './testing/waiting.ts';

const notes = openNotes.of({ id: '1' });
const note = (text: string) => ({ type: 'note', data: { text } }) as const;

async function filled(...texts: string[]): Promise<Hub> {
  const hub = createHub({ contracts: testContracts, onError: () => undefined });
  await hub.publishMany(texts.map((text) => ({ channel: notes, event: note(text) })));
  return hub;
}

describe('history', () => {
  test('SUB-3: pages after a cursor until there is no more', async () => {
    const hub = await filled('a', 'b', 'c');
    const first = await hub.history(notes, { limit: 2 });
    expect(first.events.map((event) => event.data.text)).toEqual(['a', 'b']);
    const second = await hub.history(notes, { after: first.next });
    expect(second.verdict.verdict).toBe('exact');
    expect(second.events.map((event) => event.data.text)).toEqual(['c']);
    const third = await hub.history(notes, { after: second.next });
    expect([third.events, third.next]).toEqual([[], second.next]);
    expect((await hub.history(notes, { last: 2 })).events.map((event) => event.offset)).toEqual([
      2, 3,
    ]);
    expect((await hub.history(notes, { last: 20 })).events).toHaveLength(3);
    await hub.close();
  });

  test('CUR-4: a cursor of another epoch, or past the head, is a gap, and what is kept follows', async () => {
    const hub = await filled('a', 'b');
    const { epoch } = (await hub.history(notes)).next;
    for (const [after, reason] of [
      [{ epoch: 'x', offset: toOffset(1) }, 'restarted'],
      [{ epoch, offset: toOffset(9) }, 'rolled-back'],
    ] as const) {
      const page = await hub.history(notes, { after });
      expect(page.verdict).toMatchObject({ verdict: 'gap', reason });
      expect(page.events.map((event) => event.data.text)).toEqual(['a', 'b']);
      expect(page.next).toEqual({ epoch, offset: 2 });
    }
    await hub.close();
  });

  test('an empty channel has a cursor too; nonsense is refused', async () => {
    const hub = await filled();
    const page = await hub.history(notes);
    expect(page).toMatchObject({ verdict: { verdict: 'exact' }, events: [], next: { offset: 0 } });
    await expect(hub.history(notes, { last: 0 })).rejects.toMatchObject({
      code: 'request/invalid',
    });
    await expect(hub.history(notes, { last: 1, after: page.next })).rejects.toMatchObject({
      code: 'request/invalid',
    });
    await hub.close();
  });
});

describe('stream', () => {
  async function serveStream(hub: Hub, options: StreamOptions<typeof openNotes.events>) {
    let ended = 0;
    const server = createServer((req, res) => {
      void hub.stream(req, res, notes, options).then(() => {
        ended += 1;
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return {
      open: (path = '/') =>
        rawSocket(`http://127.0.0.1:${port}`, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`),
      ended: () => ended,
      async close() {
        await hub.close();
        server.closeAllConnections();
        server.close();
      },
    };
  }

  test('PLAIN-1: select says what is sent; what it leaves out still moves the cursor', async () => {
    const hub = await filled('a', 'b', 'c');
    const served = await serveStream(hub, {
      select: (event) => (event.data.text === 'b' ? undefined : { only: event.data.text }),
    });
    using socket = served.open('/?from=start');
    await waitUntil('the last', () => socket.text.includes('"c"'));
    const { epoch } = (await hub.history(notes)).next;
    const id = (offset: number): string => encodeCursor({ epoch, offset: toOffset(offset) });
    expect(socket.text).toContain(
      `id: ${id(1)}\ndata: {"only":"a"}\n\nid: ${id(2)}\n\nid: ${id(3)}\ndata: {"only":"c"}\n\n`,
    );
    await served.close();
    expect(served.ended()).toBe(1);
  });

  test('PLAIN-2: heartbeats at the beat that was set', async () => {
    const hub = await filled();
    const served = await serveStream(hub, { beatMs: 1_000 });
    using socket = served.open();
    await waitUntil('two heartbeats', () => socket.text.split(':heartbeat').length > 2, 3_000);
    expect(socket.text).toContain('\n:heartbeat\n\n');
    await served.close();
  });

  test('a select that throws ends its own stream only', async () => {
    const hub = await filled('a');
    const served = await serveStream(hub, {
      select() {
        throw new TypeError('broken');
      },
    });
    using broken = served.open('/?from=start');
    await waitUntil('its end', () => broken.text.endsWith('0\r\n\r\n'));
    expect(broken.text).not.toContain('broken');
    using other = served.open();
    await waitUntil('the other', () => other.text.includes(':connected'));
    await served.close();
  });

  test('PLAIN-1: after a select that threw no later id goes out: the event would be lost', async () => {
    const hub = createHub({
      contracts: [openNotes],
      limits: { maxPageEvents: 1 },
      onError: () => undefined,
    });
    await hub.publishMany(['a', 'b', 'c'].map((text) => ({ channel: notes, event: note(text) })));
    const served = await serveStream(hub, {
      select(event) {
        if (event.data.text === 'b') throw new TypeError('broken');
        return event.data;
      },
    });
    using socket = served.open('/?from=start');
    await waitUntil('its end', () => socket.text.endsWith('0\r\n\r\n'));
    expect(socket.text.match(/^id: .*$/gm)?.map((id) => id.split('.')[1])).toEqual(['0', '1']);
    await served.close();
  });

  test('PLAIN-3: a subscription that ends later ends its stream, with the reason', async () => {
    const contract = {
      ...pacedNotes,
      state: {
        initial: [] as unknown,
        reduce: (_state: unknown, event: { data: unknown }) =>
          JSON.stringify(event.data).includes('bad') ? 1n : [],
      },
    };
    const channel = { ...pacedNotes.of({ id: '1' }), contract };
    const hub = createHub({ contracts: [contract], onError: () => undefined });
    const server = createServer((req, res) => void hub.stream(req, res, channel));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    using socket = rawSocket(`http://127.0.0.1:${port}`, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await waitUntil('the state', () => socket.text.includes('event: snapshot'));
    await hub.publish(channel, note('bad'));
    await waitUntil('its end', () => socket.text.endsWith('0\r\n\r\n'));
    expect(socket.text).toMatch(/event: problem\ndata: \{"code":"server\/internal"/);
    await hub.close();
    server.close();
  });

  test('a request that is gone before its stream begins is over', async () => {
    const hub = await filled();
    let isOver = false;
    const server = createServer((req, res) => {
      res.on('close', () => {
        void hub.stream(req, res, notes).then(() => {
          isOver = true;
        });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const socket = rawSocket(`http://127.0.0.1:${port}`, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await waitUntil('the connection', () => !socket.socket.connecting);
    socket[Symbol.dispose]();
    await waitUntil('the end', () => isOver);
    expect(hub.stats().links).toEqual({});
    await hub.close();
    server.close();
  });
});

test('an unknown channel is refused, whatever is done with it', async () => {
  const hub = createHub({ contracts: [closedNotes] });
  await expect(hub.publish(notes, note('a'))).rejects.toMatchObject({ code: 'channel/unknown' });
  await expect(hub.history(notes)).rejects.toMatchObject({ code: 'channel/unknown' });
  await expect(hub.end(notes)).rejects.toMatchObject({ code: 'channel/unknown' });
  await hub.close();
});

test('two contracts of one type are refused at once', () => {
  expect(() => createHub({ contracts: [openNotes, openNotes] })).toThrow(
    /two contracts|same type|the type/i,
  );
});

test('LINK-8: closing twice is one closing; what was accepted before is kept', async () => {
  const hub = await filled();
  const publishing = hub.publish(notes, note('a'));
  const closing = hub.close();
  expect(hub.close()).toStrictEqual(closing);
  await closing;
  expect((await publishing).offset).toBe(1);
});

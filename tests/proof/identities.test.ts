// Promise T11: what one user holds (a cursor, a session, a Last-Event-ID) opens nothing for another, and a permission
// that was lost while its user was away ends that channel alone.
import { type Carrier, createClient } from '@millrace/client';
import {
  type Contract,
  defineChannel,
  MillraceError,
  type StandardSchema,
} from '@millrace/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connectFrame, openRawLink } from '../e2e/desk/raw-link.ts';
import { type Counted, type MatrixHub, numbers, startMatrixHub } from '../matrix/matrix-hub.ts';
import { openRawSse } from '../support/raw-sse.ts';
import { until } from '../support/wait.ts';

const carriers: readonly Carrier[] = ['websocket', 'sse', 'poll'];

/** `vaults:OWNER`: each for its owner alone, as long as `open` holds it. */
const vaults: Contract<'owner', { readonly counted: StandardSchema<Counted> }, undefined> =
  defineChannel({
    type: 'vaults',
    params: ['owner'],
    events: numbers.events,
    access: { subscribe: 'authorized' },
  });

const closed = new Set<string>();
let server: MatrixHub;

beforeAll(async () => {
  server = await startMatrixHub(
    {},
    {
      contracts: [numbers, vaults],
      limits: { maxHoldMs: 300 },
      authenticate({ token }) {
        if (token === null) return null;
        if (!/^user-[a-z]+$/.test(token)) throw new MillraceError('auth/invalid', 'Who?');
        return { id: token.slice(5) };
      },
      authorize: (identity, _action, { name }) =>
        identity !== null && name === `vaults:${identity.id}` && !closed.has(name),
    },
  );
});

beforeEach(() => {
  closed.clear();
  server.proxy.setRules({});
});

afterAll(() => server[Symbol.asyncDispose]());

const fill = (owner: string, n: number) =>
  server.hub.publish(vaults.of({ owner }), { type: 'counted', data: { n } });
const sessionOf = (): string => crypto.randomUUID().replaceAll('-', '');

/** Everything that comes for one `connect` over the carrier, as text. */
async function ask(carrier: Carrier, fields: Readonly<Record<string, unknown>>): Promise<string> {
  const connect = connectFrame({ holdMs: 0, ...fields });
  const hasVerdict = (text: string): boolean => /"type":"(verdict|error)"/.test(text);
  if (carrier === 'websocket') {
    await using link = await openRawLink(new URL(server.directUrl).origin);
    link.send(connect);
    await until(() => hasVerdict(JSON.stringify(link.frames)), { label: 'an answer' });
    link.send('{"type":"probe"}');
    await until(() => link.frames.some(({ type }) => type === 'beat' || type === 'error'), {
      label: 'all that comes',
    });
    return JSON.stringify(link.frames);
  }
  if (carrier === 'poll') {
    return (await fetch(`${server.directUrl}/poll`, { method: 'POST', body: connect })).text();
  }
  await using stream = await openRawSse(`${server.directUrl}/sse`, { body: connect });
  await until(() => hasVerdict(stream.text()) || stream.text().includes('"error"'), {
    label: 'an answer',
  });
  // What is published now comes after all that was kept.
  await server.hub.publish(numbers.of({ name: 'after' }), { type: 'counted', data: { n: 1 } });
  return stream.text();
}

describe.each(carriers)('over %s', (carrier) => {
  test('CUR-3: a stolen cursor gives nothing, to another user and to nobody', async () => {
    const owner = `ann${carrier}`;
    const { epoch } = await fill(owner, 271_828);
    const channels = [{ channel: `vaults:${owner}`, cursor: `${epoch}.0` }];
    for (const token of ['user-bob', undefined]) {
      const text = await ask(carrier, { channels, ...(token === undefined ? {} : { token }) });
      expect(text).toContain('auth/denied');
      expect(text).not.toContain('271828');
    }
    expect(await ask(carrier, { channels, token: `user-${owner}` })).toContain('271828');
  });

  test('LINK-5: a stolen session is refused while its owner is there, who notices nothing', async () => {
    const owner = `eve${carrier}`;
    await fill(owner, 1);
    await using link = await openRawLink(new URL(server.directUrl).origin);
    const session = sessionOf();
    const channels = [{ channel: `vaults:${owner}`, from: 'now' }];
    link.send(connectFrame({ session, token: `user-${owner}`, channels }));
    await link.untilFrame('verdict');
    for (const token of ['user-bob', undefined]) {
      const text = await ask(carrier, {
        session,
        link: 99,
        channels,
        ...(token === undefined ? {} : { token }),
      });
      expect(text).toContain('auth/invalid');
      expect(text).not.toContain('"verdict"');
    }
    await fill(owner, 2);
    await link.untilFrame('events');
    expect(link.frames.filter(({ type }) => type === 'error')).toEqual([]);
  });

  test('LINK-5: a session whose owner has left holds nothing of theirs', async () => {
    const owner = `fay${carrier}`;
    await fill(owner, 314_159);
    const session = sessionOf();
    const channels = [{ channel: `vaults:${owner}`, from: 'start' }];
    expect(await ask(carrier, { session, token: `user-${owner}`, channels })).toContain('314159');
    await until(() => Object.values(server.hub.stats().links).every((count) => count === 0), {
      label: 'nobody',
    });
    const text = await ask(carrier, { session, link: 2, token: 'user-bob', channels });
    expect(text).toContain('auth/denied');
    expect(text).not.toContain('314159');
  });

  test('SUB-6: a permission lost while away ends its channel, and the others resume without a hole', async () => {
    const owner = `gil${carrier}`;
    const name = `rest-${carrier}`;
    const story: string[] = [];
    await using client = createClient({
      url: server.url,
      transports: [carrier],
      token: `user-${owner}`,
      onError: ({ code }) => story.push(`error ${code}`),
    });
    for (const [label, channel] of [
      ['vault', vaults.of({ owner })],
      ['rest', numbers.of({ name })],
    ] as const) {
      client.subscribe(channel, {
        start: 'start',
        onVerdict: ({ verdict }) => story.push(`${label} ${verdict}`),
        onEvent: ({ data }) => story.push(`${label} ${data.n}`),
      });
    }
    const both = async (n: number): Promise<void> => {
      await fill(owner, n);
      await server.hub.publish(numbers.of({ name }), { type: 'counted', data: { n } });
    };
    await both(1);
    await until(() => story.includes('vault 1') && story.includes('rest 1'), { label: 'both' });
    server.proxy.setRules({ connection: 'refuse' });
    server.proxy.cutAll({ how: 'rst' });
    closed.add(`vaults:${owner}`);
    await both(2);
    await both(3);
    server.proxy.setRules({});
    await until(() => story.includes('rest 3') && story.includes('vault denied'), {
      label: 'the rest and the refusal',
      deadlineMs: 30_000,
      details: () => story.join(),
    });
    await both(4);
    await until(() => story.includes('rest 4'), { label: 'the next one' });
    expect(story.filter((one) => one.startsWith('vault'))).toEqual([
      'vault exact',
      'vault 1',
      'vault denied',
    ]);
    expect(story.filter((one) => one.startsWith('rest'))).toEqual([
      'rest exact',
      ...[1, 2, 3, 4].map((n) => `rest ${n}`),
    ]);
    expect(story.filter((one) => one.startsWith('error'))).toEqual([]);
  });
});

describe('CUR-3: a plain stream', () => {
  test.each([
    ['Last-Event-ID', (id: string) => ({ path: '', headers: { 'last-event-id': id } })],
    ['cursor', (id: string) => ({ path: `&cursor=${id}`, headers: {} })],
    ['last', () => ({ path: '&last=5', headers: {} })],
  ])('gives nothing for a stolen %s', async (_name, steal) => {
    const { epoch } = await fill('hal', 161_803);
    const { path, headers } = steal(`${epoch}.0`);
    const url = `${server.directUrl}/events?channel=vaults:hal${path}`;
    for (const token of ['user-bob', null]) {
      const who = token === null ? {} : { authorization: `Bearer ${token}` };
      const response = await fetch(url, { headers: { ...headers, ...who } });
      const text = await response.text();
      expect([response.status, text]).toEqual([403, expect.stringContaining('auth/denied')]);
      expect(text).not.toContain('161803');
    }
    await using own = await openRawSse(url, {
      headers: { ...headers, authorization: 'Bearer user-hal' },
    });
    expect((await own.untilEvents(1))[0]?.data).toContain('161803');
  });
});

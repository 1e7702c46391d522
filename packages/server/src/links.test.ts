// Who may have a link, for how long, and how they end: identity, expiry, sessions, limits, leaving.

import { MillraceError } from '@millrace/protocol';
import type { ConnectFrame } from '@millrace/protocol/wire';
import { describe, expect, test } from 'vitest';
import { createHubCore, type HubCore, type HubCoreOptions } from './hub-core.ts';
import type { AuthRequest, LinkNews } from './hub-types.ts';
import { connectFrame, type MemoryLink, openMemoryLink } from './testing/memory-link.ts';
import {
  openNotes,
  testAuthenticate,
  testAuthorize,
  testContracts,
} from './testing/test-channels.ts';
import { waitUntil } from './testing/waiting.ts';

interface Running extends AsyncDisposable {
  readonly core: HubCore;
  readonly errors: string[];
  open(parts?: Partial<ConnectFrame>, address?: string): MemoryLink;
}

function runCore(options: Partial<HubCoreOptions> = {}, isBare = false): Running {
  const errors: string[] = [];
  const core = createHubCore({
    contracts: testContracts,
    ...(isBare ? {} : { authenticate: testAuthenticate, authorize: testAuthorize }),
    onError: (error) => errors.push(String(error.cause)),
    ...options,
  });
  return {
    core,
    errors,
    open: (parts, address) => openMemoryLink(core.links, connectFrame(parts), address),
    async [Symbol.asyncDispose]() {
      await core.sendAway(0);
      await core.close();
    },
  };
}

const closed = async (link: MemoryLink): Promise<string | undefined> => {
  await waitUntil('the end', () => link.closedWith !== undefined);
  return link.closedWith?.code;
};
const until = (ms: number): string => `user-ann-until-${Date.now() + ms}`;
const channels = [{ channel: openNotes.of({ id: '1' }).name, start: 'now' as const, version: 1 }];

describe('identity', () => {
  test('AUTH-1: a token that authenticate knows nothing of is refused, not ignored', async () => {
    await using hub = runCore({ authenticate: () => null });
    expect(await closed(hub.open({ token: 'any' }))).toBe('auth/invalid');
    expect((await hub.open().next('hello')).identity).toBeNull();
    await using open = runCore({}, true);
    expect(await closed(open.open({ token: 'any' }))).toBe('auth/invalid');
  });

  test('AUTH-1: authenticate sees token, headers and address; what it throws stays inside', async () => {
    const asked: AuthRequest[] = [];
    await using hub = runCore({
      authenticate(request) {
        asked.push(request);
        throw new TypeError('database password wrong');
      },
    });
    const link = hub.open({ token: 't' }, '10.0.0.9');
    expect(await closed(link)).toBe('server/internal');
    expect(JSON.stringify(link.frames)).not.toContain('password');
    expect(hub.errors).toEqual(['TypeError: database password wrong']);
    expect(asked[0]).toMatchObject({ token: 't', address: '10.0.0.9' });
  });

  test('AUTH-2: without authorize nothing is allowed but what is public', async () => {
    await using hub = runCore({ authenticate: testAuthenticate }, true);
    const link = hub.open({
      token: 'user-ann',
      channels: [...channels, { channel: 'closed_notes:1', start: 'now', version: 1 }],
    });
    await waitUntil('two verdicts', () => link.frames.length >= 3);
    const told = link.frames.flatMap((one) =>
      one.type === 'verdict' ? [`${one.channel} ${one.verdict}`] : [],
    );
    expect(told.sort()).toEqual(['closed_notes:1 denied', 'open_notes:1 exact']);
  });

  test('SUB-6: an authorize that throws denies its own channel only', async () => {
    await using hub = runCore({
      authorize() {
        throw new TypeError('no database');
      },
    });
    const link = hub.open({
      channels: [{ channel: 'closed_notes:1', start: 'now', version: 1 }, ...channels],
    });
    await waitUntil('two verdicts', () => link.frames.length >= 3);
    expect(
      link.frames.find((one) => one.type === 'verdict' && one.verdict === 'exact'),
    ).toBeDefined();
    expect(JSON.stringify(link.frames)).toContain('server/internal');
    expect(hub.errors).toEqual(['TypeError: no database']);
  });

  test('AUTH-3: a newer token on the same link moves its end', async () => {
    await using hub = runCore();
    const link = hub.open({ token: until(300), channels });
    await link.next('verdict');
    link.attachment.received({ type: 'token', token: until(60_000) });
    const other = hub.open({ token: until(600), channels });
    expect(await closed(other)).toBe('auth/expired');
    expect(link.closedWith).toBeUndefined();
  });

  test('AUTH-3: a refused token, another user, or an expired one ends the link', async () => {
    await using hub = runCore();
    for (const [token, code] of [
      ['forged', 'auth/invalid'],
      ['user-bob', 'auth/invalid'],
      ['user-ann-until-5', 'auth/expired'],
    ] as const) {
      const link = hub.open({ token: 'user-ann' });
      await link.next('hello');
      link.attachment.received({ type: 'token', token });
      expect(await closed(link)).toBe(code);
    }
  });

  test('LINK-5: a session is its user’s: nobody else takes it over', async () => {
    await using hub = runCore();
    const { session } = connectFrame();
    const mine = hub.open({ session, link: 1, token: 'user-ann' });
    await mine.next('hello');
    expect(await closed(hub.open({ session, link: 2, token: 'user-bob' }))).toBe('auth/invalid');
    expect(await closed(hub.open({ session, link: 3 }))).toBe('auth/invalid');
    expect(mine.closedWith).toBeUndefined();
  });

  test('LINK-5: a guest who signs in keeps the session', async () => {
    await using hub = runCore();
    const { session } = connectFrame();
    const guest = hub.open({ session, link: 1 });
    await guest.next('hello');
    const ann = hub.open({ session, link: 2, token: 'user-ann' });
    await ann.next('hello');
    expect(await closed(guest)).toBe('link/replaced');
  });
});

describe('limits', () => {
  test('LIM-4: links of an address are counted, and given back', async () => {
    await using hub = runCore({ limits: { maxLinksPerAddress: 2 } });
    const [first, second] = [hub.open({}, 'a'), hub.open({}, 'a')];
    expect(await closed(hub.open({}, 'a'))).toBe('limit/links');
    await hub.open({}, 'b').next('hello');
    await Promise.all([first.next('hello'), second.next('hello')]);
    first.cut();
    await hub.open({}, 'a').next('hello');
    expect(hub.core.stats().refused).toEqual({ 'limit/links': 1 });
  });

  test('LIM-4: links of an identity are counted over all addresses', async () => {
    await using hub = runCore({ limits: { maxLinksPerIdentity: 1 } });
    const link = hub.open({ token: 'user-ann' }, 'a');
    await link.next('hello');
    expect(await closed(hub.open({ token: 'user-ann' }, 'b'))).toBe('limit/links');
    await hub.open({ token: 'user-bob' }, 'b').next('hello');
    link.cut();
    await hub.open({ token: 'user-ann' }, 'b').next('hello');
  });

  test('LIM-5: publishes over the rate are refused with the time to wait, each identity for itself', async () => {
    await using hub = runCore({ limits: { maxPublishesPerSecond: 5 } });
    const link = hub.open({ token: 'user-ann' });
    const other = hub.open({ token: 'user-bob' });
    await Promise.all([link.next('hello'), other.next('hello')]);
    const event = { channel: 'open_notes:1', event: { type: 'note', data: { text: 'a' } } };
    for (let id = 1; id <= 11; id += 1)
      link.attachment.received({ type: 'publish', id, events: [event] });
    other.attachment.received({ type: 'publish', id: 1, events: [event] });
    const refused = await link.next('error');
    expect(refused).toMatchObject({ id: 11, error: { code: 'limit/publishes' } });
    expect(refused.error.details?.['retryAfterMs']).toBeGreaterThan(0);
    await other.next('published');
    expect(link.closedWith).toBeUndefined();
  });

  test('PUB-2: only whom the contract lets may publish', async () => {
    await using hub = runCore();
    const publish = async (token: string): Promise<string[]> => {
      const link = hub.open({ token });
      await link.next('hello');
      const on = (channel: string) => ({ channel, event: { type: 'note', data: { text: 'a' } } });
      const events = ['open_notes:1', 'closed_notes:1', 'listed_notes:1'].map(on);
      link.attachment.received({ type: 'publish', id: 1, events });
      const { results } = await link.next('published');
      return results.map((one) => ('error' in one ? one.error.code : 'accepted'));
    };
    expect(await publish('user-ann')).toEqual(['accepted', 'auth/denied', 'auth/denied']);
    expect(await publish('user-writer')).toEqual(['accepted', 'accepted', 'auth/denied']);
  });

  test('LIM-5: a request of too many events appends none', async () => {
    await using hub = runCore();
    const link = hub.open();
    await link.next('hello');
    const event = { channel: 'open_notes:1', event: { type: 'note', data: { text: 'a' } } };
    link.attachment.received({
      type: 'publish',
      id: 1,
      events: Array.from({ length: 501 }, () => event),
    });
    expect((await link.next('error')).error.code).toBe('limit/publishes');
    expect(hub.core.stats().published.total).toBe(0);
  });
});

describe('a link’s life', () => {
  test('LINK-6: the beat is the carrier’s, or a faster one that was asked for, within the limit', async () => {
    await using hub = runCore();
    const beat = async (beatMs?: number): Promise<number> =>
      (await hub.open(beatMs === undefined ? {} : { beatMs }).next('hello')).beatMs;
    expect(await Promise.all([beat(), beat(2_000), beat(90_000), beat(1)])).toEqual([
      20_000, 2_000, 20_000, 1_000,
    ]);
  });

  test('LINK-6: beats come in time although data flows', async () => {
    await using hub = runCore();
    const link = hub.open({ beatMs: 1_000, channels });
    await link.next('verdict');
    const from = Date.now();
    const flow = setInterval(() => {
      void hub.core.publisher.publish([
        { channel: 'open_notes:1', event: { type: 'note', data: { text: 'a' } } },
      ]);
    }, 10);
    await waitUntil(
      'two beats',
      () => link.frames.filter((one) => one.type === 'beat').length === 2,
    );
    clearInterval(flow);
    const beats = link.frames.flatMap((one) => (one.type === 'beat' ? [one.at] : []));
    expect(Number(beats[0]) - from).toBeLessThan(1_100);
    expect(Number(beats[1]) - Number(beats[0])).toBeLessThan(1_100);
  });

  test('LINK-1: a second connect, or a flood before hello, ends the link', async () => {
    await using hub = runCore();
    const link = hub.open();
    await link.next('hello');
    link.attachment.received(connectFrame());
    expect(await closed(link)).toBe('protocol/malformed');
    await using slow = runCore({ authenticate: () => new Promise(() => undefined) });
    const early = slow.open();
    for (let index = 0; index < 40; index += 1) early.attachment.received({ type: 'probe' });
    expect(await closed(early)).toBe('protocol/malformed');
  });

  test('LINK-3: what arrives before hello is answered after it', async () => {
    await using hub = runCore({ authenticate: async () => await Promise.resolve(null) });
    const link = hub.open();
    link.attachment.received({ type: 'probe' });
    await link.next('beat');
    expect(link.frames[0]?.type).toBe('hello');
  });

  test('LINK-8: each link gets its own slot to come back in', async () => {
    const hub = runCore();
    const links = [0, 1, 2, 3].map(() => hub.open());
    await Promise.all(links.map((link) => link.next('hello')));
    const draining = hub.core.sendAway(400);
    const goaways = await Promise.all(links.map((link) => link.next('goaway')));
    expect(goaways.map((one) => [one.afterMs, one.spreadMs])).toEqual([
      [0, 100],
      [100, 100],
      [200, 100],
      [300, 100],
    ]);
    expect(await closed(hub.open())).toBe('server/shutdown');
    for (const link of links) link.cut();
    await draining;
    await hub[Symbol.asyncDispose]();
  });

  test('a link leaves nothing behind', async () => {
    await using hub = runCore();
    const link = hub.open({ token: 'user-ann', channels });
    await link.next('verdict');
    expect(hub.core.stats()).toMatchObject({ links: { memory: 1 }, subscriptions: 1 });
    link.cut();
    expect(hub.core.stats()).toMatchObject({ links: {}, subscriptions: 0, queueBytes: 0 });
  });

  test('a frame that cannot be read is told and closes', async () => {
    await using hub = runCore();
    const link = hub.open();
    await link.next('hello');
    link.attachment.failed(new MillraceError('protocol/malformed', 'no'));
    expect(await closed(link)).toBe('protocol/malformed');
  });
});

describe('what a log is told', () => {
  test('a link is told when it opens and once when it ends, with who it is and why', async () => {
    const news: LinkNews[] = [];
    await using hub = runCore({ onLink: (one) => news.push(one) });
    const link = hub.open({ token: 'user-ann' });
    await link.next('hello');
    const about = { transport: 'memory', identityId: 'ann' };
    expect(news).toEqual([{ ...about, step: 'opened', reason: null }]);
    const reason = new MillraceError('protocol/malformed', 'What came is no frame.');
    link.attachment.failed(reason);
    await closed(link);
    expect(news.slice(1)).toEqual([{ ...about, step: 'closed', reason }]);
  });

  test('a link that was refused before it opened is no news', async () => {
    const news: LinkNews[] = [];
    await using hub = runCore({ authenticate: () => null, onLink: (one) => news.push(one) });
    await closed(hub.open({ token: 'any' }));
    expect(news).toEqual([]);
  });
});

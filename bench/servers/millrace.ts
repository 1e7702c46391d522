// Millrace as a server of the delivery benches: what its package exports and nothing else. Everything that it
// promises is on: cursors and history, a token checked on each connection, each subscription authorized, each
// event checked by its contract, bounded queues. DIRECT_WRITES=off leaves the writing to Node's streams; ENGINE makes
// it one of several nodes (engine.ts).

import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { MillraceError } from '@millrace/protocol';
import { createHub, type HubOptions, type Identity, type PublishManyItem } from '@millrace/server';
import { benchChannel } from './bench-channel.ts';
import { port, startControl } from './control.ts';
import { engineOf } from './engine.ts';
import { tokenSecret } from './token.ts';

/** One machine plays all users, and a bench publishes more than any of them. */
const limits = {
  maxLinksPerAddress: 1_000_000,
  maxLinksPerIdentity: 1_000_000,
  maxHoldMs: 600_000,
  connectWithinMs: 60_000,
  maxConnectsPerSecond: 1_000_000,
  maxLoopDelayMs: 60_000,
};

const options: HubOptions = {
  contracts: [benchChannel],
  limits,
  authenticate: ({ token }) => (token === null ? null : readToken(token)),
  authorize: (identity, action) => identity !== null && action === 'subscribe',
  directWrites: process.env['DIRECT_WRITES'] !== 'off',
  ...(await engineOf(process.env['ENGINE'])),
};
const hub = createHub(options);

const server = createServer((request, response) => {
  hub.handle(request, response).then(
    (isOurs) => {
      if (!isOurs) response.writeHead(404).end();
    },
    (error: unknown) => {
      console.error(error);
      response.destroy();
    },
  );
});
server.on('upgrade', (request, socket, head) => {
  if (!hub.upgrade(request, socket, head)) socket.destroy();
});
server.listen({ port, host: '127.0.0.1', backlog: 4_096 }, () => console.log('listening'));

const items: PublishManyItem[] = [];
const congestion = createCongestion();

startControl({
  publish(channel, data) {
    items.push({ channel: channelOf(channel), event: { type: 'm', data } });
  },
  async endTurn({ isPaced }) {
    if (items.length === 0) return;
    const published = publishAll(items.splice(0));
    // At a pace nobody waits for the answer before the next event is due, as no request waits for another's. What fails
    // ends the process.
    if (isPaced) void published;
    else await published;
  },
  isCongested: congestion,
});

async function publishAll(batch: readonly PublishManyItem[]): Promise<void> {
  const results = await hub.publishMany(batch);
  for (const result of results) if ('error' in result) throw result.error;
}

/** Made once each: a server has its channels at hand. */
const channels: ReturnType<typeof benchChannel.of>[] = [];
function channelOf(number: number): ReturnType<typeof benchChannel.of> {
  const known = channels[number];
  if (known !== undefined) return known;
  const made = benchChannel.of({ id: `${number}` });
  channels[number] = made;
  return made;
}

/** `user.signature`, as a session token of an application would be checked. */
function readToken(token: string): Identity {
  const [user = '', signature = ''] = token.split('.');
  const expected = createHmac('sha256', tokenSecret).update(user).digest();
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new MillraceError('auth/invalid', 'The token is not one of ours.');
  }
  return { id: user };
}

/**
 * `stats()` looks at every link, so it is asked seldom: every 5 ms at most, and with many links more seldom
 * still, which keeps its cost under half a percent. Congested is an average of 64 KiB a link.
 */
function createCongestion(): () => boolean {
  let isCongested = false;
  let nextAtMs = 0;
  return () => {
    const nowMs = performance.now();
    if (nowMs < nextAtMs) return isCongested;
    const { links, queueBytes } = hub.stats();
    const count = Object.values(links).reduce((sum, each) => sum + each, 0);
    isCongested = queueBytes > count * 65_536;
    nextAtMs = nowMs + Math.max(5, count / (isCongested ? 1_000 : 100));
    return isCongested;
  };
}

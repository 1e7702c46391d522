// Millrace as a server of the delivery benches: what its package exports and nothing else. Everything that it
// promises is on: cursors and history, a token checked on each connection, each subscription authorized, each
// event checked by its contract, bounded queues. DIRECT_WRITES=off leaves the writing to Node's streams.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { defineChannel, MillraceError, type StandardSchema } from '@millrace/protocol';
import { createHub, type HubOptions, type Identity, type PublishManyItem } from '@millrace/server';
import { type Message, port, startControl } from './control.ts';
import { tokenSecret } from './token.ts';

const message: StandardSchema<Message> = {
  '~standard': {
    version: 1,
    vendor: 'bench',
    validate: (value) => (isMessage(value) ? { value } : { issues: [{ message: 'no message' }] }),
  },
};

const bench = defineChannel({ type: 'bench', params: ['id'], events: { m: message } });

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
  contracts: [bench],
  limits,
  authenticate: ({ token }) => (token === null ? null : readToken(token)),
  authorize: (identity, action) => identity !== null && action === 'subscribe',
  directWrites: process.env['DIRECT_WRITES'] !== 'off',
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
  async endTurn() {
    if (items.length === 0) return;
    const results = await hub.publishMany(items.splice(0));
    for (const result of results) if ('error' in result) throw result.error;
  },
  isCongested: congestion,
});

/** Made once each: a server has its channels at hand. */
const channels: ReturnType<typeof bench.of>[] = [];
function channelOf(number: number): ReturnType<typeof bench.of> {
  const known = channels[number];
  if (known !== undefined) return known;
  const made = bench.of({ id: `${number}` });
  channels[number] = made;
  return made;
}

function isMessage(value: unknown): value is Message {
  return (
    typeof value === 'object' &&
    value !== null &&
    'n' in value &&
    typeof value.n === 'number' &&
    't' in value &&
    typeof value.t === 'number' &&
    'ch' in value &&
    typeof value.ch === 'string' &&
    'd' in value &&
    typeof value.d === 'string'
  );
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

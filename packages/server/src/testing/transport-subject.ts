// What a transport case runs against: a hub on a socket, and links to it over one carrier. Plus the few questions that
// cases ask of a link's frames.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Cursor, Verdict } from '@millrace/protocol';
import type { ConnectFrame } from '@millrace/protocol/wire';
import { memoryEngine } from '../engines/memory/memory-engine.ts';
import { createHub } from '../hub.ts';
import type { Hub, HubOptions } from '../hub-types.ts';
import type { Engine } from '../seams/engine.ts';
import { testHubOptions } from './test-channels.ts';
import { type Carrier, openMalformedLink, openTestLink, type TestLink } from './tiny-clients.ts';
import { waitFor } from './waiting.ts';

export interface TransportSubject {
  readonly hub: Hub;
  readonly engine: Engine;
  /** Of the hub's path, e.g. `http://127.0.0.1:4000/realtime`. */
  readonly url: string;
  open(connect: ConnectFrame): TestLink;
  openMalformed(text: string): TestLink;
}

export interface ServedHub extends AsyncDisposable {
  readonly hub: Hub;
  readonly engine: Engine;
  readonly origin: string;
  readonly url: string;
  /** TCP connections that the server has open. */
  connections(): number;
}

/** A hub of the test contracts on a port of its own. */
export async function serveHub(options: Partial<HubOptions> = {}): Promise<ServedHub> {
  const engine = options.engine ?? memoryEngine();
  const hub = createHub({
    ...testHubOptions,
    ...options,
    engine,
  });
  const server = createServer((req, res) => {
    void hub.handle(req, res).then((isOurs) => {
      if (!isOurs) res.writeHead(404).end();
    });
  });
  server.on('upgrade', (req, socket, head) => {
    if (!hub.upgrade(req, socket, head)) socket.destroy();
  });
  let connections = 0;
  server.on('connection', (socket) => {
    connections += 1;
    socket.on('close', () => {
      connections -= 1;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  return {
    hub,
    engine,
    origin,
    url: `${origin}/realtime`,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      await hub.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await engine.close();
    },
  };
}

export async function createTransportSubject(
  carrier: Carrier,
  options: Partial<HubOptions> = {},
): Promise<TransportSubject & AsyncDisposable> {
  const served = await serveHub(options);
  const links: TestLink[] = [];
  const kept = (link: TestLink): TestLink => {
    links.push(link);
    return link;
  };
  return {
    hub: served.hub,
    engine: served.engine,
    url: served.url,
    open: (connect) => kept(openTestLink(carrier, served.url, connect)),
    openMalformed: (text) => kept(openMalformedLink(carrier, served.url, text)),
    async [Symbol.asyncDispose]() {
      for (const link of links) link.close();
      await served[Symbol.asyncDispose]();
    },
  };
}

/** The first verdict on the channel. */
export async function verdictOf(link: TestLink, channel: string): Promise<Verdict> {
  const frame = await waitFor(`a verdict on ${channel}`, () =>
    link.frames.find((one) => one.type === 'verdict' && one.channel === channel),
  );
  if (frame.type !== 'verdict') throw new RangeError('not a verdict');
  const { type: _type, channel: _channel, ...verdict } = frame;
  return verdict;
}

export async function channelEnd(link: TestLink, channel: string): Promise<Cursor> {
  const frame = await waitFor(`the end of ${channel}`, () =>
    link.frames.find((one) => one.type === 'end' && one.channel === channel),
  );
  if (frame.type !== 'end') throw new RangeError('not an end');
  return frame.cursor;
}

/** The texts of all notes that came, in the order of arrival. */
export function noteTexts(link: TestLink, channel: string): string[] {
  return link.frames.flatMap((frame) =>
    frame.type === 'events' && frame.channel === channel
      ? frame.events.map((event) => (event.data as { text: string }).text)
      : [],
  );
}

/** The code of the error that ends the link. */
export async function errorCode(link: TestLink): Promise<string> {
  const frame = await waitFor('an error', () =>
    link.frames.find((one) => one.type === 'error' && one.id === undefined),
  );
  return frame.type === 'error' ? frame.error.code : frame.type;
}

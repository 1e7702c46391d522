// A network of bytes between two programs, such as a node and its database: it passes, is cut, or says nothing, and can
// lead elsewhere from the next connection on. Knows no protocol; what speaks HTTP has the faulty proxy.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface TcpLink extends AsyncDisposable {
  readonly port: number;
  /** Connections that were asked for since the beginning, refused ones too. */
  connections(): number;
  /** The port of 127.0.0.1 where connections lead from now on; those that stand are reset. */
  leadTo(port: number): void;
  /** Resets what stands, and each new connection at once. */
  cut(): void;
  /** Takes connections and bytes, and passes on nothing until it heals: then everything, in order. */
  blackHole(): void;
  heal(): void;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

export async function openTcpLink(toPort: number): Promise<TcpLink> {
  const pairs = new Set<Pair>();
  let state: 'passes' | 'cut' | 'silent' = 'passes';
  let target = toPort;
  let asked = 0;

  function end({ near, far }: Pair): void {
    near.resetAndDestroy();
    far.resetAndDestroy();
  }

  function join(near: Socket): void {
    asked += 1;
    near.on('error', () => undefined);
    if (state === 'cut') {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ host: '127.0.0.1', port: target, noDelay: true });
    far.on('error', () => undefined);
    const pair = { near, far };
    pairs.add(pair);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (bytes: Buffer) => {
        if (!to.write(bytes)) from.pause();
      });
      to.on('drain', () => {
        if (state === 'passes') from.resume();
      });
      from.on('close', () => {
        pairs.delete(pair);
        to.destroySoon();
      });
      if (state === 'silent') from.pause();
    }
  }

  const server = createServer({ noDelay: true }, join);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');

  return {
    port: address.port,
    connections: () => asked,
    leadTo(port) {
      target = port;
      for (const pair of pairs) end(pair);
    },
    cut() {
      state = 'cut';
      for (const pair of pairs) end(pair);
    },
    blackHole() {
      state = 'silent';
      for (const { near, far } of pairs) {
        near.pause();
        far.pause();
      }
    },
    heal() {
      state = 'passes';
      for (const { near, far } of pairs) {
        near.resume();
        far.resume();
      }
    },
    async [Symbol.asyncDispose]() {
      for (const pair of pairs) end(pair);
      server.close();
      await once(server, 'close');
    },
  };
}

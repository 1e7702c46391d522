// A hub on a port of its own behind a faulty proxy, and a client that writes down what it was told: what every
// file of the matrix needs. One `await using` each.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Client, type ClientOptions, createClient } from '@millrace/client';
import {
  type ChannelEvent,
  type Contract,
  defineChannel,
  type StandardSchema,
} from '@millrace/protocol';
import { createHub, type Hub, type HubOptions } from '@millrace/server';
import { createFaultyProxy, type FaultyProxy } from '../support/faulty-proxy.ts';
import type { Rules } from '../support/proxy/rules.ts';

export interface Counted {
  readonly n: number;
}

const counted: StandardSchema<Counted> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof value === 'object' && value !== null && 'n' in value && typeof value.n === 'number'
        ? { value: { n: value.n } }
        : { issues: [{ message: 'needs n' }] },
  },
};

/** A channel that anybody may read and write, and be present in. */
export const numbers: Contract<'name', { readonly counted: StandardSchema<Counted> }, undefined> =
  defineChannel({
    type: 'numbers',
    params: ['name'],
    events: { counted },
    ephemeral: { passed: counted },
    history: { size: 100_000 },
    access: { subscribe: 'public', publish: 'public', presence: 'public', ephemeral: 'public' },
  });

/** The same with a state: the sum, and how many. */
export const sums: Contract<
  'name',
  { readonly counted: StandardSchema<Counted> },
  { readonly sum: number; readonly count: number }
> = defineChannel({
  type: 'sums',
  params: ['name'],
  events: { counted },
  state: {
    initial: { sum: 0, count: 0 },
    reduce: ({ sum, count }, { data }) => ({ sum: sum + data.n, count: count + 1 }),
  },
  access: { subscribe: 'public', publish: 'public' },
});

export interface MatrixHub extends AsyncDisposable {
  readonly hub: Hub;
  readonly proxy: FaultyProxy;
  /** Through the proxy. */
  readonly url: string;
  /** Past it. */
  readonly directUrl: string;
}

export async function startMatrixHub(
  rules: Rules = {},
  options: Partial<HubOptions> = {},
): Promise<MatrixHub> {
  const hub = createHub({ contracts: [numbers, sums], onError: () => undefined, ...options });
  const server = createServer((req, res) => {
    hub.handle(req, res).then(
      (isOurs) => {
        if (!isOurs) res.writeHead(404).end();
      },
      () => res.destroy(),
    );
  });
  server.on('upgrade', (req, socket, head) => {
    if (!hub.upgrade(req, socket, head)) socket.destroy();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const proxy = await createFaultyProxy({ target: { host: '127.0.0.1', port }, rules });
  return {
    hub,
    proxy,
    url: `${proxy.url}/realtime`,
    directUrl: `http://127.0.0.1:${port}/realtime`,
    async [Symbol.asyncDispose]() {
      await proxy.close();
      server.closeAllConnections();
      await hub.close({ graceMs: 0 });
      server.close();
    },
  };
}

export interface Transcript extends AsyncDisposable {
  readonly client: Client;
  readonly seen: readonly number[];
  /** Offsets as they came, and each verdict's name in its place. */
  readonly story: readonly (number | string)[];
  readonly errors: readonly string[];
}

/** Subscribes to `numbers:NAME` from its start and writes everything down. */
export function recordNumbers(name: string, options: ClientOptions): Transcript {
  const seen: number[] = [];
  const story: (number | string)[] = [];
  const errors: string[] = [];
  const client = createClient({ onError: (error) => errors.push(error.message), ...options });
  client.subscribe(numbers.of({ name }), {
    start: 'start',
    onVerdict: ({ verdict }) => story.push(verdict),
    onEvent({ data, offset }: ChannelEvent<'counted', Counted>) {
      seen.push(data.n);
      story.push(offset);
    },
  });
  return { client, seen, story, errors, [Symbol.asyncDispose]: () => client.close() };
}

export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

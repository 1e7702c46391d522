// Memory that idle links cost the server: RSS and heap of a process that holds nothing but a hub,
// before and after a thousand clients have subscribed to one channel each, garbage collected both times.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient } from '@millrace/client';
import { agentMessages } from '@millrace/protocol/channels';
import { startServerProcess, until } from '@millrace/tests';
import type { Carrier } from './carriers.ts';
import type { Usage } from './hub-server.ts';

export interface LinkMemory {
  readonly rssKibPerLink: number;
  readonly heapKibPerLink: number;
}

export async function measureLinkMemory(carrier: Carrier, count: number): Promise<LinkMemory> {
  await using server = await startServerProcess({
    entry: join(import.meta.dirname, 'hub-server.ts'),
    ready: { stdout: /listening/ },
  });
  // What the first links compile and load is paid once, not by each.
  await closeAll(await openClients(server.url, carrier, 50));
  const before = await settledUsage(server.url);
  const clients = await openClients(server.url, carrier, count);
  const after = await settledUsage(server.url);
  await closeAll(clients);
  return {
    rssKibPerLink: (after.rssBytes - before.rssBytes) / count / 1_024,
    heapKibPerLink: (after.heapUsedBytes - before.heapUsedBytes) / count / 1_024,
  };
}

/** Resolves once each of them has its verdict. */
export async function openClients(
  url: string,
  carrier: Carrier,
  count: number,
): Promise<readonly Client[]> {
  const clients: Client[] = [];
  let subscribed = 0;
  for (let n = 0; n < count; n += 1) {
    const client = createClient({ url: `${url}/realtime`, transports: [carrier] });
    client.subscribe(agentMessages.of(), {
      onVerdict: () => {
        subscribed += 1;
      },
    });
    clients.push(client);
    // A listen queue has its length: not all at once.
    if (n % 50 === 49) await until(() => subscribed > n - 50, { label: 'subscriptions' });
  }
  await until(() => subscribed >= count, {
    label: `${count} subscriptions by ${carrier}`,
    deadlineMs: 30_000,
    details: () => `${subscribed} of them have come`,
  });
  return clients;
}

export async function closeAll(clients: readonly Client[]): Promise<void> {
  await Promise.all(clients.map((client) => client.close()));
}

async function settledUsage(url: string): Promise<Usage> {
  // Sockets close, buffers are freed and pages given back a little after their last use.
  for (let round = 0; round < 3; round += 1) {
    await sleep(1_000);
    await readUsage(url);
  }
  return readUsage(url);
}

async function readUsage(url: string): Promise<Usage> {
  const response = await fetch(`${url}/usage`);
  const usage: Usage = await response.json();
  return usage;
}

// Commands to the masters of a cluster. ioredis follows MOVED and ASK; it is asked only where the slot's node is
// connected, since it would queue what it sends to one that is not.

import { addressOf, type RedisClusterClient } from './client.ts';
import { type Connection, runScript } from './connection.ts';
import { clusterOptions } from './connection-options.ts';
import { attempt, backoffMs, type Patience, type Target } from './patience.ts';
import { createSignal } from './signal.ts';
import { slotOf } from './slot.ts';

/** How often the map of slots is asked for while calls wait for a node, ms. */
const LOOK_EVERY_MS = 100;

export interface ClusterConnectionOptions {
  /** A duplicate made with `clusterOptions`. */
  readonly cluster: RedisClusterClient;
  readonly patience: Patience;
  readonly onLost: (cause: unknown) => void;
}

export function createClusterConnection(options: ClusterConnectionOptions): Connection {
  const { cluster, patience } = options;
  let firstUntilMs = performance.now() + patience.answerWithinMs;
  let lookedAtMs = 0;
  const changes = createSignal();

  cluster.on('ready', changes.fire);
  cluster.on('+node', (node) => node.on('ready', changes.fire));
  // Where no node answers.
  cluster.on('error', (error: Error) => options.onLost(error));
  cluster.on('node error', (error: Error) => options.onLost(error));

  function targetFor(name: string): Target<RedisClusterClient> {
    const slot = slotOf(name);
    return {
      client() {
        if (!isThere(slot)) return null;
        firstUntilMs = 0;
        return cluster;
      },
      changed(untilMs) {
        lookAgain();
        return changes.wait(Math.min(untilMs, performance.now() + backoffMs(1)));
      },
      onStale: lookAgain,
      get firstUntilMs() {
        return firstUntilMs;
      },
    };
  }

  function isThere(slot: number): boolean {
    const address = cluster.slots[slot]?.[0];
    if (cluster.status !== 'ready' || address === undefined) return false;
    return cluster
      .nodes('all')
      .some((node) => addressOf(node) === address && node.status === 'ready');
  }

  /** Also makes the connections that are missing. */
  function lookAgain(): void {
    const now = performance.now();
    if (cluster.status !== 'ready' || now - lookedAtMs < LOOK_EVERY_MS) return;
    lookedAtMs = now;
    cluster.refreshSlotsCache();
  }

  return {
    run: ({ tries, ...call }) =>
      attempt(
        targetFor(call.keys[0] ?? ''),
        { tries, send: (on, byMs) => runScript(on, call, byMs) },
        patience,
      ),
    async publish(name, text) {
      await attempt(
        targetFor(name),
        { tries: 'once', send: (on) => on.spublish(name, text) },
        patience,
      );
    },
    close: () => cluster.disconnect(),
  };
}

export function duplicateCluster(
  client: RedisClusterClient,
  { answerWithinMs }: Patience,
): RedisClusterClient {
  return client.duplicate([], clusterOptions(answerWithinMs));
}

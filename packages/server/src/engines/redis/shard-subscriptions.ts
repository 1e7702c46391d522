// What this node listens to on a cluster: a connection to each master that has a name's slot, and names that follow
// their slot. Rules: LOG-7, REDIS-5.
//
// A name is listened to where the map of slots says. That is out of date for a moment after a slot has moved: then the
// node says so (an unasked SUNSUBSCRIBE, or MOVED), the map is asked for, and all of that node's names are asked for
// anew. Each confirmation makes the listeners look at the log, so that nothing is missed meanwhile.

import { addressOf, type RedisClusterClient } from './client.ts';
import { connectionOptions } from './connection-options.ts';
import { unavailable } from './failure.ts';
import { backoffMs } from './patience.ts';
import { slotOf } from './slot.ts';
import { createSubscriber, type Subscriber } from './subscriber.ts';
import type { SubscriptionEvents, Subscriptions } from './subscriptions.ts';

export interface ShardSubscriptionsOptions extends SubscriptionEvents {
  /** The engine's duplicate, whose map of slots and nodes are used. */
  readonly cluster: RedisClusterClient;
  readonly answerWithinMs: number;
}

export function createShardSubscriptions(options: ShardSubscriptionsOptions): Subscriptions {
  const { cluster, answerWithinMs, onMessage, onConfirmed, onRefused } = options;
  /** The slot of each name. */
  const wanted = new Map<string, number>();
  /** Where each name is listened to. */
  const homes = new Map<string, string>();
  const shards = new Map<string, Subscriber>();
  /** Those that said that some of their names are elsewhere. */
  const moved = new Set<Subscriber>();
  let tries = 0;
  let looking: NodeJS.Timeout | null = null;

  cluster.on('refresh', () => {
    for (const [name, slot] of wanted) place(name, slot);
    for (const shard of moved) shard.askAgain();
    moved.clear();
    for (const [address, shard] of shards) {
      if (shard.names().length > 0) continue;
      shard.close();
      shards.delete(address);
    }
  });

  /** Listens to it where its slot is, and no longer elsewhere. */
  function place(name: string, slot: number): void {
    const address = cluster.slots[slot]?.[0];
    const before = homes.get(name);
    if (address !== undefined && address === before) return;
    const shard = address === undefined ? null : (shards.get(address) ?? open(address));
    if (address === undefined || shard === null) {
      lookSoon();
      return;
    }
    if (before !== undefined) shards.get(before)?.remove(name);
    homes.set(name, address);
    shard.add(name);
  }

  /** Null while the cluster's client does not know the node. */
  function open(address: string): Subscriber | null {
    const node = cluster.nodes('all').find((one) => addressOf(one) === address);
    if (node === undefined) return null;
    const shard = createSubscriber({
      client: node.duplicate(connectionOptions(answerWithinMs)),
      isSharded: true,
      pingEveryMs: answerWithinMs,
      onMessage,
      onConfirmed(names) {
        tries = 0;
        onConfirmed(names);
      },
      onRefused,
      onLost: lookSoon,
      onMoved() {
        moved.add(shard);
        lookSoon();
      },
    });
    shards.set(address, shard);
    return shard;
  }

  /** Asks for the map of slots, each time somewhat later until something is confirmed; the answer is an event. */
  function lookSoon(): void {
    if (looking !== null) return;
    tries += 1;
    looking = setTimeout(() => {
      looking = null;
      // One that is not ready asks by itself, again and again.
      if (cluster.status !== 'ready') return;
      cluster.refreshSlotsCache((error) => {
        if (error) lookSoon();
      });
    }, backoffMs(tries));
  }

  return {
    add(name) {
      const slot = slotOf(name);
      wanted.set(name, slot);
      place(name, slot);
    },
    remove(name) {
      wanted.delete(name);
      const home = homes.get(name);
      homes.delete(name);
      if (home !== undefined) shards.get(home)?.remove(name);
    },
    isConfirmed: (name) => shards.get(homes.get(name) ?? '')?.isConfirmed(name) ?? false,
    caughtUp: (name) =>
      shards.get(homes.get(name) ?? '')?.caughtUp() ?? Promise.reject(unavailable()),
    // Each node's connection says for itself when it is lost.
    regained: () => undefined,
    close() {
      if (looking !== null) clearTimeout(looking);
      for (const shard of shards.values()) shard.close();
    },
  };
}

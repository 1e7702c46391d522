// Several nodes' presence on one bus and one clock that a test moves by hand: messages take their time, overtake those of
// other publishers, and get lost, all by a seed. What each node's watchers saw is written down.

import type { BusMessage } from '../presence/bus-message.ts';
import { decodeBusMessage, encodeBusMessage } from '../presence/bus-message.ts';
import { createPresenceCore, type PresenceCore } from '../presence/presence-core.ts';
import type { PresenceEffect, PresenceEvent } from '../presence/presence-types.ts';

const TICK_MS = 50;

export interface ClusterOptions {
  /** 0 (inclusive) to 1 (exclusive), repeatable. */
  readonly random: () => number;
  readonly settleMs?: number;
}

/** A member that came or went, as one node's watchers were told. */
export interface Sighting {
  readonly at: number;
  readonly node: string;
  readonly channel: string;
  readonly user: string;
  readonly step: 'came' | 'went';
}

interface Message {
  readonly at: number;
  readonly to: SimNode;
  readonly topic: string;
  readonly text: string;
}

interface SimNode {
  readonly name: string;
  readonly core: PresenceCore;
  readonly topics: Set<string>;
  /** When the last message of each publisher arrives: none of its later ones comes before. */
  readonly lastAt: Map<string, number>;
  /** Who is there, by channel, as its watchers know it. */
  readonly seen: Map<string, Set<string>>;
  isFrozen: boolean;
}

export interface Cluster {
  readonly now: number;
  /** Most a message takes, ms; and which part of them gets lost. */
  delayMs: number;
  loss: number;
  /** Nothing gets through, and whoever tells something knows it. `deaf`: it takes what it is told, and tells nobody. */
  bus: 'up' | 'down' | 'deaf';
  readonly sightings: readonly Sighting[];
  /** Bytes that nodes have told, each message once. */
  readonly toldBytes: number;
  /** Of one message. */
  readonly largestBytes: number;
  readonly nodes: readonly string[];
  start(node: string): void;
  /** Ends without a word. */
  kill(node: string): void;
  /** As a hub that closes. */
  close(node: string, keepMs: number): void;
  /** Neither ticks nor hears; what is sent to it waits. */
  freeze(node: string, isFrozen: boolean): void;
  feed(node: string, event: PresenceEvent): void;
  watch(node: string, channel: string): void;
  advance(ms: number): void;
  /** Ids of those present, as the node's watchers know them. */
  seen(node: string, channel: string): readonly string[];
  hash(node: string, channel: string): string | null;
  /** Those present as the node knows them, parsed. */
  members(node: string, channel: string): readonly unknown[];
}

export function createCluster({ random, settleMs = 200 }: ClusterOptions): Cluster {
  const nodes = new Map<string, SimNode>();
  const sightings: Sighting[] = [];
  let underWay: Message[] = [];
  let now = 0;
  let toldBytes = 0;
  let largestBytes = 0;

  const cluster: Cluster = {
    get now() {
      return now;
    },
    delayMs: 20,
    loss: 0,
    bus: 'up',
    sightings,
    get toldBytes() {
      return toldBytes;
    },
    get largestBytes() {
      return largestBytes;
    },
    get nodes() {
      return [...nodes.keys()];
    },
    start(name) {
      nodes.set(name, {
        name,
        core: createPresenceCore({ node: name, settleMs }),
        topics: new Set(),
        lastAt: new Map(),
        seen: new Map(),
        isFrozen: false,
      });
    },
    kill(name) {
      const node = nodes.get(name);
      nodes.delete(name);
      underWay = underWay.filter(({ to }) => to !== node);
    },
    close(name, keepMs) {
      cluster.feed(name, { type: 'close', keepMs });
      cluster.kill(name);
    },
    freeze(name, isFrozen) {
      nodeOf(name).isFrozen = isFrozen;
    },
    feed(name, event) {
      feed(nodeOf(name), event);
    },
    watch(name, channel) {
      feed(nodeOf(name), { type: 'watch', channel });
      if (nodeOf(name).core.room(channel)?.isReady === true) see(nodeOf(name), channel);
    },
    advance(ms) {
      const end = now + ms;
      while (now < end) {
        now += TICK_MS;
        deliver();
        for (const node of nodes.values()) {
          if (!node.isFrozen && node.core.isActive) feed(node, { type: 'tick' });
        }
      }
    },
    seen: (name, channel) => [...(nodeOf(name).seen.get(channel) ?? [])].sort(),
    members: (name, channel) =>
      [...(nodeOf(name).core.room(channel)?.members.texts() ?? [])].map((text): unknown =>
        JSON.parse(text),
      ),
    hash: (name, channel) => nodeOf(name).core.room(channel)?.members.hash ?? null,
  };

  function nodeOf(name: string): SimNode {
    const node = nodes.get(name);
    if (node === undefined) throw new RangeError(`no node ${name}`);
    return node;
  }

  function feed(node: SimNode, event: PresenceEvent): void {
    for (const effect of node.core.step(event, now)) run(node, effect);
  }

  function run(node: SimNode, effect: PresenceEffect): void {
    switch (effect.type) {
      case 'listen':
        node.topics.add('presence').add(topicOf(effect.channel));
        feed(node, { type: 'listening', channel: effect.channel });
        return;
      case 'unlisten':
        node.topics.delete(topicOf(effect.channel));
        node.seen.delete(effect.channel);
        return;
      case 'tell':
        send(node, topicOf(effect.channel), effect.message);
        return;
      case 'ready':
        see(node, effect.channel);
        return;
      case 'changed': {
        const { channel, change } = effect;
        for (const text of change.present) sight(node, channel, idOf(text), 'came');
        for (const id of change.gone) sight(node, channel, id, 'went');
        return;
      }
    }
  }

  function see(node: SimNode, channel: string): void {
    const texts = node.core.room(channel)?.members.texts() ?? [];
    node.seen.set(channel, new Set([...texts].map(idOf)));
  }

  function sight(node: SimNode, channel: string, user: string, step: Sighting['step']): void {
    const seen = node.seen.get(channel);
    if (seen === undefined || seen.has(user) === (step === 'came')) return;
    if (step === 'came') seen.add(user);
    else seen.delete(user);
    sightings.push({ at: now, node: node.name, channel, user, step });
  }

  function send(from: SimNode, topic: string, message: BusMessage): void {
    const text = encodeBusMessage(message);
    const bytes = Buffer.byteLength(text);
    toldBytes += bytes;
    largestBytes = Math.max(largestBytes, bytes);
    if (cluster.bus !== 'down' && message.type === 'beat') feed(from, { type: 'beat-taken' });
    if (cluster.bus !== 'up') return;
    for (const to of nodes.values()) {
      if (!to.topics.has(topic) || random() < cluster.loss) continue;
      const at = Math.max(now + random() * cluster.delayMs, to.lastAt.get(from.name) ?? 0);
      to.lastAt.set(from.name, at);
      underWay.push({ at, to, topic, text });
    }
  }

  function deliver(): void {
    const due = underWay.filter(({ at, to }) => at <= now && !to.isFrozen);
    underWay = underWay.filter((message) => message.at > now || message.to.isFrozen);
    // Stable: those of one publisher stay in their order.
    due.sort((a, b) => a.at - b.at);
    for (const { to, topic, text } of due) {
      const message = decodeBusMessage(text);
      if (message === null || !to.topics.has(topic)) continue;
      feed(to, { type: 'heard', channel: channelOf(topic), message });
    }
  }

  return cluster;
}

function topicOf(channel: string | null): string {
  return channel === null ? 'presence' : `presence:${channel}`;
}

function channelOf(topic: string): string | null {
  return topic === 'presence' ? null : topic.slice('presence:'.length);
}

function idOf(text: string): string {
  return String((JSON.parse(text) as { readonly id: unknown }).id);
}

// The names of everything in Redis. All that belongs to a channel has the hash tag `{name}`, so that it shares a slot.
//
//   millrace:{job:7}              record (a hash): scripts/script.ts
//   millrace:{job:7}:entries      its events (a stream), ids `<offset>-0`, fields `at` (ms) and `event` (the body)
//   millrace:{job:7}:<hash>       a producer or idempotency key: generation, epoch, sequence, offset, ms; expires
//   job:7                         where what is appended is published; on a cluster `{job:7}`, sharded
//   millrace:bus/<topic>          where the bus publishes; on a cluster sharded. No channel has a slash

import { createHash } from 'node:crypto';

export interface Keys {
  record(channel: string): string;
  entries(channel: string): string;
  producer(channel: string, id: string): string;
  /** Whom to tell of what is appended. */
  live(channel: string): string;
  bus(topic: string): string;
  /** Back from a name of `live` or `bus`. */
  heard(name: string): { readonly kind: 'log' | 'bus'; readonly name: string };
}

export function createKeys(prefix: string, isSharded: boolean): Keys {
  const busPrefix = `${prefix}bus/`;
  return {
    record: (channel) => `${prefix}{${channel}}`,
    entries: (channel) => `${prefix}{${channel}}:entries`,
    producer: (channel, id) => `${prefix}{${channel}}:${hashName(id)}`,
    live: (channel) => (isSharded ? `{${channel}}` : channel),
    bus: (topic) => `${busPrefix}${topic}`,
    heard(name) {
      if (name.startsWith(busPrefix)) return { kind: 'bus', name: name.slice(busPrefix.length) };
      return { kind: 'log', name: isSharded ? name.slice(1, -1) : name };
    },
  };
}

/**
 * A name of any length and any characters (lone surrogates too, which would become one and the same on the wire) in
 * 32 characters, 192 bits. And what is left of a forgotten channel until it expires says nothing.
 */
function hashName(name: string): string {
  return createHash('sha256').update(name, 'utf16le').digest('base64url').slice(0, 32);
}

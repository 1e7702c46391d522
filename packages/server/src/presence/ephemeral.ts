// Ephemeral events: gathered for a moment, of each session the newest of a kind, told once over the bus to every node
// with somebody who listens, and dropped for whoever has no room. Nothing is kept. Refuses to own: who may send what,
// and for how long an event counts (the reader's part). Rules: EPH-1 … EPH-4.

import { type MillraceError, toMillraceError } from '@millrace/protocol';
import { liveFrame } from '../outbound-frame.ts';
import type { Bus } from '../seams/bus.ts';
import type { OutboundFrame } from '../seams/link.ts';
import type { Timers } from '../seams/timers.ts';
import { splitBySize } from './bus-message.ts';
import { createTopicListener } from './topic-listener.ts';

/** How long an event waits for others of its channel, ms. */
const GATHER_MS = 50;
/** How long a channel is listened to after its last reader, ms: a poll that is answered comes back. */
const LINGER_MS = 10_000;

export interface EphemeralSender {
  readonly id: string;
  readonly session: string;
}

/** Takes the frame or leaves it; must not throw. */
export type EphemeralReader = (frame: OutboundFrame) => void;

export interface Ephemeral {
  /** Returns the function that ends it. */
  read(channel: string, reader: EphemeralReader): () => void;
  /** @param from null for the server's own; @param data JSON text, as `encodeData` makes it */
  send(channel: string, from: EphemeralSender | null, type: string, data: string): void;
  /** Those that are gathered are dropped. */
  close(): void;
}

export interface EphemeralOptions {
  readonly bus: Bus;
  readonly timers: Timers;
  /** Of one channel in one gathering. */
  readonly maxEvents: number;
  readonly onError: (error: MillraceError) => void;
}

interface Audience {
  readonly readers: Set<EphemeralReader>;
  cancelEnd: () => void;
}

export function createEphemeral({ bus, timers, maxEvents, onError }: EphemeralOptions): Ephemeral {
  const audiences = new Map<string, Audience>();
  /** By channel, then by session and kind, oldest first. */
  const gathered = new Map<string, Map<string, string>>();
  let isClosed = false;
  const listener = createTopicListener({
    bus,
    timers,
    onError,
    heard(topic, text) {
      // What goes over the bus is the frame itself: nothing is read or encoded again.
      if (!text.startsWith(FRAME)) return;
      const frame = liveFrame('ephemeral', text);
      for (const read of audiences.get(topic)?.readers ?? []) read(frame);
    },
  });

  function audienceOf(topic: string): Audience {
    const before = audiences.get(topic);
    if (before !== undefined) return before;
    const audience: Audience = { readers: new Set(), cancelEnd: () => undefined };
    audiences.set(topic, audience);
    listener.listen(topic);
    return audience;
  }

  function tellAll(): void {
    if (isClosed) return;
    for (const [channel, events] of gathered) {
      for (const part of splitBySize(events.values(), (text) => Buffer.byteLength(text))) {
        const text = `${FRAME}"channel":${JSON.stringify(channel)},"events":[${part.join(',')}]}`;
        bus
          .publish(topicOf(channel), text)
          .catch((thrown: unknown) => onError(toMillraceError(thrown)));
      }
    }
    gathered.clear();
  }

  return {
    read(channel, reader) {
      const topic = topicOf(channel);
      const audience = audienceOf(topic);
      audience.readers.add(reader);
      audience.cancelEnd();
      return () => {
        if (!audience.readers.delete(reader) || audience.readers.size > 0) return;
        audience.cancelEnd = timers.after(LINGER_MS, () => {
          audiences.delete(topic);
          listener.unlisten(topic);
        });
      };
    },
    send(channel, from, type, data) {
      if (gathered.size === 0) timers.after(GATHER_MS, tellAll);
      const events = gathered.get(channel) ?? new Map<string, string>();
      gathered.set(channel, events);
      const key = `${from?.session ?? ''} ${type}`;
      // Behind the others: of those that are left out none is newer.
      events.delete(key);
      events.set(
        key,
        `{"type":${JSON.stringify(type)},"data":${data},"from":${JSON.stringify(from)}}`,
      );
      if (events.size <= maxEvents) return;
      const [oldest] = events.keys();
      if (oldest !== undefined) events.delete(oldest);
    },
    close() {
      isClosed = true;
      listener.close();
      audiences.clear();
    },
  };
}

/** What a frame begins with, with the version of what goes over the bus: another one is skipped. */
const FRAME = '{"v":1,"type":"ephemeral",';

function topicOf(channel: string): string {
  return `ephemeral:${channel}`;
}

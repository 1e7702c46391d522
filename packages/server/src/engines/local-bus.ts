// A bus within this process, for engines that serve one node: a message reaches its subscribers before
// `publish` returns. Rules: BUS-1, BUS-2.

import { MillraceError } from '@millrace/protocol';
import type { Bus } from '../seams/bus.ts';
import { messageBytes } from './message-size.ts';

interface Subscriber {
  readonly listener: (text: string) => void;
}

export function createLocalBus(): Bus {
  const topics = new Map<string, Set<Subscriber>>();
  let isClosed = false;

  function assertOpen(): void {
    if (isClosed)
      throw new MillraceError('engine/closed', 'This engine is closed. Create a new one.');
  }

  return {
    async publish(topic, text) {
      assertOpen();
      messageBytes(topic, text);
      for (const { listener } of topics.get(topic) ?? []) listener(text);
    },
    async subscribe(topic, listener) {
      assertOpen();
      const subscribers = topics.get(topic) ?? new Set();
      const subscriber: Subscriber = { listener };
      subscribers.add(subscriber);
      topics.set(topic, subscribers);
      return () => {
        subscribers.delete(subscriber);
        if (subscribers.size === 0 && topics.get(topic) === subscribers) topics.delete(topic);
      };
    },
    async close() {
      isClosed = true;
      // Each set too: one that is being walked over right now must deliver no more.
      for (const subscribers of topics.values()) subscribers.clear();
      topics.clear();
    },
  };
}

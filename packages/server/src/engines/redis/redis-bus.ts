// The bus over PUBLISH and SUBSCRIBE, sharded on a cluster: one name a topic. Rules: BUS-1, BUS-2, LOG-16.
//
// In order per publisher, since one connection carries them; at most once, since nothing is kept for those who are
// away. One's own messages come back the same way as others'.

import type { Bus } from '../../seams/bus.ts';
import { createInFlight } from '../in-flight.ts';
import { messageBytes } from '../message-size.ts';
import type { Connection } from './connection.ts';
import { unavailable } from './failure.ts';
import type { Keys } from './keys.ts';
import { answered } from './patience.ts';
import { createSignal } from './signal.ts';
import type { Subscriptions } from './subscriptions.ts';

export interface RedisBus extends Bus {
  heard(topic: string, text: string): void;
  /** From now on that topic, among others, is heard. */
  confirmed(): void;
}

export interface RedisBusOptions {
  readonly connection: Connection;
  readonly subscriptions: Subscriptions;
  readonly keys: Keys;
  readonly answerWithinMs: number;
}

interface Listening {
  readonly listener: (text: string) => void;
}

interface Topic {
  /** Those that listen, and those that wait to. */
  readonly members: Set<Listening>;
  readonly listening: Set<Listening>;
}

export function createRedisBus(options: RedisBusOptions): RedisBus {
  const { connection, subscriptions, keys, answerWithinMs } = options;
  const topics = new Map<string, Topic>();
  const confirmations = createSignal();
  const inFlight = createInFlight();

  function join(topic: string, one: Listening): Topic {
    let joined = topics.get(topic);
    if (joined === undefined) {
      joined = { members: new Set(), listening: new Set() };
      topics.set(topic, joined);
      subscriptions.add(keys.bus(topic));
    }
    joined.members.add(one);
    return joined;
  }

  function leave(topic: string, one: Listening): void {
    const left = topics.get(topic);
    left?.listening.delete(one);
    if (left?.members.delete(one) !== true || left.members.size > 0) return;
    topics.delete(topic);
    subscriptions.remove(keys.bus(topic));
  }

  /** It is heard, and what was published before now has been: whoever joins must not get that. */
  async function isReady(topic: string, untilMs: number): Promise<boolean> {
    const name = keys.bus(topic);
    if (!subscriptions.isConfirmed(name)) return false;
    return answered(subscriptions.caughtUp(name), untilMs).then(
      () => true,
      // Its connection broke: it will be confirmed again.
      () => false,
    );
  }

  return {
    publish: (topic, text) =>
      inFlight.run(async () => {
        messageBytes(topic, text);
        await connection.publish(keys.bus(topic), text);
      }),
    subscribe: (topic, listener) =>
      inFlight.run(async () => {
        const one: Listening = { listener };
        const joined = join(topic, one);
        const untilMs = performance.now() + answerWithinMs;
        while (!(await isReady(topic, untilMs))) {
          if (performance.now() >= untilMs) {
            leave(topic, one);
            throw unavailable();
          }
          await confirmations.wait(untilMs);
        }
        joined.listening.add(one);
        return () => leave(topic, one);
      }),
    heard(topic, text) {
      for (const { listener } of topics.get(topic)?.listening ?? []) listener(text);
    },
    confirmed: confirmations.fire,
    async close() {
      await inFlight.close();
      // Each set too: one that is being walked over right now must deliver no more.
      for (const { listening } of topics.values()) listening.clear();
      topics.clear();
    },
  };
}

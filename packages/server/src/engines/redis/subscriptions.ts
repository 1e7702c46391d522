// What this node listens to: on one server one connection, made for the first name. Rule: LOG-7.

import type { Buffer } from 'node:buffer';
import type { RedisClient } from './client.ts';
import { connectionOptions } from './connection-options.ts';
import { unavailable } from './failure.ts';
import { createSubscriber, type Subscriber } from './subscriber.ts';

/** Names are added once, and removed by who added them. */
export interface Subscriptions {
  add(name: string): void;
  remove(name: string): void;
  /** It is heard right now. */
  isConfirmed(name: string): boolean;
  /** Resolves once what was published under it before this call has been heard; rejects where it is not heard. */
  caughtUp(name: string): Promise<void>;
  /** The connection for commands was made again: what listens may still be where that was before. */
  regained(lostAtMs: number): void;
  close(): void;
}

export interface SubscriptionEvents {
  readonly onMessage: (name: Buffer, payload: Buffer) => void;
  readonly onConfirmed: (names: readonly string[]) => void;
  readonly onRefused: (cause: unknown) => void;
}

export interface ServerSubscriptionsOptions extends SubscriptionEvents {
  /** The user's. */
  readonly client: RedisClient;
  readonly answerWithinMs: number;
}

export function createServerSubscriptions(options: ServerSubscriptionsOptions): Subscriptions {
  const { answerWithinMs, onMessage, onConfirmed, onRefused } = options;
  let subscriber: Subscriber | null = null;

  function open(): Subscriber {
    return createSubscriber({
      client: options.client.duplicate(connectionOptions(answerWithinMs)),
      isSharded: false,
      pingEveryMs: answerWithinMs,
      onMessage,
      onConfirmed,
      onRefused,
    });
  }

  return {
    add(name) {
      subscriber ??= open();
      subscriber.add(name);
    },
    remove: (name) => subscriber?.remove(name),
    isConfirmed: (name) => subscriber?.isConfirmed(name) ?? false,
    caughtUp: () => subscriber?.caughtUp() ?? Promise.reject(unavailable()),
    regained: (lostAtMs) => subscriber?.reconnect(lostAtMs),
    close: () => subscriber?.close(),
  };
}

// Subscriptions to topics of the bus that stand for as long as they are wanted: tried again where the bus refuses, ended
// where they are no longer wanted by the time they stand. Refuses to own: what is heard. Rule: BUS-1.

import { type MillraceError, toMillraceError } from '@millrace/protocol';
import type { Bus } from '../seams/bus.ts';
import type { Timers } from '../seams/timers.ts';

export interface TopicListener {
  /** Idempotent while it is wanted. */
  listen(topic: string): void;
  unlisten(topic: string): void;
  close(): void;
}

export interface TopicListenerOptions {
  readonly bus: Bus;
  readonly timers: Timers;
  readonly onError: (error: MillraceError) => void;
  heard(topic: string, text: string): void;
  /** From now on everything is heard. */
  listening?(topic: string): void;
}

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5_000;

/** One wish to listen: ended, it is never taken up again. */
interface Wish {
  stop: () => void;
}

export function createTopicListener(options: TopicListenerOptions): TopicListener {
  const { bus, timers, onError, heard, listening } = options;
  const wishes = new Map<string, Wish>();

  function subscribe(topic: string, wish: Wish, retryMs: number): void {
    const isWanted = (): boolean => wishes.get(topic) === wish;
    bus
      .subscribe(topic, (text) => {
        if (isWanted()) heard(topic, text);
      })
      .then(
        (stop) => {
          if (!isWanted()) {
            stop();
            return;
          }
          wish.stop = stop;
          listening?.(topic);
        },
        (thrown: unknown) => {
          if (!isWanted()) return;
          onError(toMillraceError(thrown));
          // Jitter: all hubs lost the bus at once, and it need not bear them all at once.
          const waitMs = retryMs * (0.5 + Math.random());
          wish.stop = timers.after(waitMs, () => {
            subscribe(topic, wish, Math.min(retryMs * 2, LAST_RETRY_MS));
          });
        },
      );
  }

  return {
    listen(topic) {
      if (wishes.has(topic)) return;
      const wish: Wish = { stop: () => undefined };
      wishes.set(topic, wish);
      subscribe(topic, wish, FIRST_RETRY_MS);
    },
    unlisten(topic) {
      const wish = wishes.get(topic);
      wishes.delete(topic);
      wish?.stop();
    },
    close() {
      for (const { stop } of wishes.values()) stop();
      wishes.clear();
    },
  };
}

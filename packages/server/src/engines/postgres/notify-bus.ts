// The bus between nodes, over NOTIFY: here at once, at the others with the next telling. Nothing is stored, nothing is
// told twice: what fails is gone, and who published is told. Rules: BUS-1, BUS-2.
// Refuses to own: the line.

import { MillraceError } from '@millrace/protocol';
import type { Bus } from '../../seams/bus.ts';
import { createLocalBus } from '../local-bus.ts';
import { messageBytes } from '../message-size.ts';
import { BUS_CHANNEL, type BusMessage, createMessageJoiner, encodeMessages } from './bus-words.ts';
import { toEngineError } from './engine-error.ts';
import type { Told } from './line.ts';

export interface NotifyBus extends Bus {
  heard(payload: string): void;
  /** Others' messages may have been lost. */
  missed(): void;
}

export interface NotifyBusOptions {
  /** Which node this is, so that it knows its own words. */
  readonly origin: string;
  readonly tell: (messages: readonly Told[]) => Promise<void>;
  /** Resolves once others are heard. */
  readonly up: () => Promise<void>;
}

/** What waits while a telling is under way; a server that answers at all takes it in less than a second. */
const MAX_WAITING_BYTES = 4 * 1_024 * 1_024;
/** What one telling holds, but for a message that is larger alone. */
const MAX_TOLD_BYTES = 128 * 1_024;

interface Waiting {
  readonly message: BusMessage;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (reason: MillraceError) => void;
}

export function createNotifyBus({ origin, tell, up }: NotifyBusOptions): NotifyBus {
  const local = createLocalBus();
  const joiner = createMessageJoiner(origin);
  let waiting: Waiting[] = [];
  let waitingBytes = 0;
  let number = 0;
  let telling: Promise<void> | null = null;

  async function run(): Promise<void> {
    // What else is published in this turn of the loop goes along.
    await Promise.resolve();
    while (waiting.length > 0) await tellTogether(takeGroup());
    telling = null;
  }

  function takeGroup(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const one of waiting) {
      bytes += one.bytes;
      if (count > 0 && bytes > MAX_TOLD_BYTES) break;
      count += 1;
    }
    const group = waiting.slice(0, count);
    waiting = waiting.slice(count);
    return group;
  }

  async function tellTogether(group: readonly Waiting[]): Promise<void> {
    number += 1;
    const messages = group.map(({ message }) => message);
    try {
      const payloads = encodeMessages(origin, number, messages);
      await tell(payloads.map((payload) => ({ channel: BUS_CHANNEL, payload })));
      for (const { resolve } of group) resolve();
    } catch (thrown) {
      const error = toEngineError(thrown);
      for (const { reject } of group) reject(error);
    } finally {
      for (const { bytes } of group) waitingBytes -= bytes;
    }
  }

  return {
    async publish(topic, text) {
      const bytes = messageBytes(topic, text);
      if (waitingBytes + bytes > MAX_WAITING_BYTES) throw overloaded();
      await local.publish(topic, text);
      waitingBytes += bytes;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      waiting.push({ message: { topic, text }, bytes, resolve, reject });
      telling ??= run();
      await promise;
    },
    async subscribe(topic, listener) {
      const end = await local.subscribe(topic, listener);
      try {
        await up();
      } catch (thrown) {
        end();
        throw toEngineError(thrown);
      }
      return end;
    },
    async close() {
      await local.close();
      await telling;
    },
    heard(payload) {
      // Refused only once this bus is closed.
      for (const { topic, text } of joiner.take(payload)) {
        local.publish(topic, text).catch(() => undefined);
      }
    },
    missed: joiner.clear,
  };
}

function overloaded(): MillraceError {
  return new MillraceError(
    'server/overloaded',
    'Too many messages wait for the other nodes. Try again in a moment.',
    { details: { retryAfterMs: 1_000 } },
  );
}

// What a node tells on the bus, in order, and no more of it at a time than the bus can bear: a channel's state may have
// megabytes. What fails is lost, with all that waits behind it: presence finds that by number and hash, and heals it.
// Rules: PRES-9, BUS-1.

import { type MillraceError, toMillraceError } from '@millrace/protocol';
import type { Bus } from '../seams/bus.ts';

/** What the bus has in hand at a time, in characters; one message alone may be more. */
const MAX_IN_HAND = 524_288;
/** What waits behind that. Past it all that waits is given up, which costs no more than asking again. */
const MAX_WAITING = 67_108_864;

export interface Teller {
  /** @param taken called once the bus has it */
  tell(topic: string, text: string, taken?: () => void): void;
  /** Resolves once nothing is under way. Never rejects. */
  idle(): Promise<void>;
}

export interface TellerOptions {
  readonly bus: Pick<Bus, 'publish'>;
  readonly onError: (error: MillraceError) => void;
}

interface Message {
  readonly topic: string;
  readonly text: string;
  readonly taken: (() => void) | undefined;
}

export function createTeller({ bus, onError }: TellerOptions): Teller {
  let waiting: Message[] = [];
  let waitingSize = 0;
  let inHand = 0;
  let idle: PromiseWithResolvers<void> | null = null;

  async function send({ topic, text, taken }: Message): Promise<void> {
    inHand += text.length;
    try {
      await bus.publish(topic, text);
      taken?.();
    } catch (thrown) {
      giveUp();
      onError(toMillraceError(thrown));
    }
    inHand -= text.length;
    sendOn();
  }

  /** As many as fit; at least one where nothing is in hand. */
  function sendOn(): void {
    let count = 0;
    for (const message of waiting) {
      if (inHand > 0 && inHand + message.text.length > MAX_IN_HAND) break;
      count += 1;
      waitingSize -= message.text.length;
      void send(message);
    }
    if (count > 0) waiting = waiting.slice(count);
    if (inHand > 0) return;
    idle?.resolve();
    idle = null;
  }

  function giveUp(): void {
    waiting = [];
    waitingSize = 0;
  }

  return {
    tell(topic, text, taken) {
      const message = { topic, text, taken };
      if (waiting.length === 0 && inHand < MAX_IN_HAND) {
        void send(message);
        return;
      }
      if (waitingSize > MAX_WAITING) giveUp();
      waiting.push(message);
      waitingSize += text.length;
    },
    idle() {
      if (inHand === 0) return Promise.resolve();
      idle ??= Promise.withResolvers();
      return idle.promise;
    },
  };
}

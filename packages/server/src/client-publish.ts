// Publishing from outside, over a link or by POST: size and rate of the request, then permission for each event,
// then the same way as from inside. What one link sends is appended in its order, however long permission takes.
// Rules: PUB-2, PUB-5, PUB-6, PUB-10, LIM-5.

import { type Limits, MillraceError, type PublishResult } from '@millrace/protocol';
import { type PublishItem, parseExpected } from '@millrace/protocol/wire';
import type { ContractSet } from './contract-set.ts';
import type { Identity } from './hub-types.ts';
import type { Gate } from './identity.ts';
import { type PublishRequest, unknownChannel } from './prepare-event.ts';
import type { PublishRate } from './publish-rate.ts';
import type { Publisher } from './publisher.ts';

export interface ClientPublish {
  /**
   * Each item's result, in order.
   * @throws MillraceError `limit/publishes` and what the engine throws: nothing of the request is appended
   */
  publish(request: ClientPublishRequest): Promise<PublishResult[]>;
}

export interface ClientPublishRequest {
  readonly identity: Identity | null;
  /** Whose rate counts where there is no identity: the link, or the address. */
  readonly origin: string;
  readonly items: readonly PublishItem[];
  /** A request of its own, which waits for no other one of its origin. Default: they are taken in their order. */
  readonly isAlone?: boolean;
}

export interface ClientPublishOptions {
  readonly contracts: ContractSet;
  readonly gate: Gate;
  readonly limits: Limits;
  readonly publisher: Publisher;
  readonly rate: PublishRate;
  readonly onRefused: (error: MillraceError) => void;
}

export function createClientPublish(options: ClientPublishOptions): ClientPublish {
  const { contracts, gate, limits, publisher, rate, onRefused } = options;

  /** By origin: ends when everything that came before has been handed to the publisher. */
  const turns = new Map<string, Promise<unknown>>();

  /** Resolves with the work's result when it is this one's turn. The work never rejects. */
  function inTurn<Result>(origin: string, work: Promise<Result>): Promise<Result> {
    const turn = (turns.get(origin) ?? Promise.resolve()).then(() => work);
    turns.set(origin, turn);
    void turn.then(() => {
      if (turns.get(origin) === turn) turns.delete(origin);
    });
    return turn;
  }

  async function refusal(
    identity: Identity | null,
    item: PublishItem,
  ): Promise<MillraceError | null> {
    const known = contracts.find(item.channel);
    return known === null ? unknownChannel(item.channel) : gate.refusal(identity, 'publish', known);
  }

  return {
    async publish({ identity, origin, items, isAlone = false }) {
      if (items.length > limits.maxEventsPerPublish) throw tooMany(limits.maxEventsPerPublish);
      const key = identity === null ? `from ${origin}` : `of ${identity.id}`;
      const overRate = rate.refusal(key, items.length);
      if (overRate !== null) throw overRate;
      const asked = Promise.all(items.map((item) => refusal(identity, item)));
      const refusals = await (isAlone ? asked : inTurn(origin, asked));
      const allowed = items.filter((_, index) => refusals[index] === null);
      const results = await publisher.publish(allowed.map((item) => fromOutside(identity, item)));
      let next = 0;
      return refusals.map((error) => {
        const result: PublishResult =
          error === null ? (results[next++] ?? { error: unanswered() }) : { error };
        if ('error' in result) onRefused(result.error);
        return result;
      });
    },
  };
}

/** Nobody can shut out a producer of the server's, or of somebody else: each identity has names of its own. */
function fromOutside(
  identity: Identity | null,
  { expect, producer, ...item }: PublishItem,
): PublishRequest {
  const owner = identity === null ? 'guest' : `user ${encodeURIComponent(identity.id)}`;
  return {
    ...item,
    ...(producer && { producer: { ...producer, id: `${owner} ${producer.id}` } }),
    ...(expect !== undefined && { expect: parseExpected(expect) }),
  };
}

function unanswered(): MillraceError {
  return new MillraceError('server/internal', 'The engine left an event unanswered.');
}

function tooMany(limit: number): MillraceError {
  return new MillraceError('limit/publishes', `A request may hold ${limit} events. Send several.`, {
    details: { limit },
  });
}

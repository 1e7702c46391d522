// Publishing in a transaction of the user's: checked as any other publish, then written to the outbox there. Answers
// ids, since nobody knows an offset before the commit. Rules: PUB-4, OUT-1.

import { randomUUID } from 'node:crypto';
import { type Limits, MillraceError } from '@millrace/protocol';
import type { ContractSet } from './contract-set.ts';
import type { Outbox, OutboxTransaction } from './outbox/outbox.ts';
import { type PublishRequest, prepareEvent } from './prepare-event.ts';
import type { AppendEvent } from './seams/log.ts';

/** What becomes of an event of `publishMany` in a transaction: the id that it will have, or why it is refused. */
export type WriteResult = { readonly id: string } | { readonly error: MillraceError };

export interface TransactionPublisher {
  /** Each item's result, in order. Rejects where nothing was written: overload, a failed statement. */
  publish(tx: OutboxTransaction, items: readonly PublishRequest[]): Promise<WriteResult[]>;
  end(tx: OutboxTransaction, channel: string): Promise<void>;
  forget(tx: OutboxTransaction, channel: string): Promise<void>;
}

export interface TransactionPublisherOptions {
  readonly contracts: ContractSet;
  readonly limits: Limits;
  readonly outbox: Outbox | null;
}

export function createTransactionPublisher(
  options: TransactionPublisherOptions,
): TransactionPublisher {
  const { contracts, limits } = options;

  /** @throws MillraceError `request/invalid` */
  function outboxFor(tx: unknown): Outbox {
    if (options.outbox === null) throw noOutbox();
    if (!isTransaction(tx)) throw noTransaction();
    return options.outbox;
  }

  return {
    async publish(tx, items) {
      const outbox = outboxFor(tx);
      const written: AppendEvent[] = [];
      const results = items.map((item): WriteResult => {
        // Nobody could find an event without an id among those that are delivered.
        const id = item.event.id ?? randomUUID();
        const request = prepareEvent({ ...item, event: { ...item.event, id } }, contracts, limits);
        if (request instanceof MillraceError) return { error: request };
        written.push(repeatable(request, item.event.id === undefined ? id : randomUUID()));
        return { id };
      });
      await outbox.write(tx, written);
      return results;
    },
    async end(tx, channel) {
      await outboxFor(tx).write(tx, [{ channel, isEnd: true }]);
    },
    async forget(tx, channel) {
      await outboxFor(tx).write(tx, [{ channel, isForget: true }]);
    },
  };
}

/** A producer's event can be told from a repeat of it already, one with a key of the user's too. */
function repeatable(request: AppendEvent, key: string): AppendEvent {
  if (request.key !== undefined || request.producer !== undefined) return request;
  return { ...request, key };
}

function isTransaction(value: unknown): value is OutboxTransaction {
  return (
    typeof value === 'object' &&
    value !== null &&
    'query' in value &&
    typeof value.query === 'function'
  );
}

function noOutbox(): MillraceError {
  return new MillraceError(
    'request/invalid',
    'This hub has no outbox. Give it one, `createHub({ outbox: { database } })`, or publish without `tx`.',
  );
}

function noTransaction(): MillraceError {
  return new MillraceError(
    'request/invalid',
    'That `tx` is no transaction of a database: it has no `query(sql, params)`.',
  );
}

// What the hub's types must let through and must refuse when something is published on conditions. `tsc` is the test.

import type { Transaction } from '@electric-sql/pglite';
import { type Cursor, defineChannel, type StandardSchema } from '@millrace/protocol';
import type { Client, PoolClient } from 'pg';
import type { Hub } from './hub-types.ts';
import type { SqlTransaction } from './seams/database.ts';

declare const hub: Hub;
declare const added: StandardSchema<{ readonly by: number }>;
declare const cursor: Cursor;

const counters = defineChannel({ type: 'counters', params: ['name'], events: { added } });
const counter = counters.of({ name: 'a' });
const event = { type: 'added', data: { by: 1 } } as const;
const producer = { id: 'run:7', epoch: 3, sequence: 1 };

export async function publishOnConditions(): Promise<void> {
  const first: Cursor = await hub.publish(counter, event, { producer, expect: 'empty' });
  await hub.publish(counter, event, { key: 'k', expect: first });
  await hub.publishMany([{ channel: counter, event, producer, expect: cursor }]);
  await hub.forget(counter);

  // @ts-expect-error -- a producer without a sequence
  await hub.publish(counter, event, { producer: { id: 'a', epoch: 1 } });
  // @ts-expect-error -- an offset alone says nothing of the epoch
  await hub.publish(counter, event, { expect: 0 });
  // @ts-expect-error -- a cursor's text is for the wire
  await hub.publish(counter, event, { expect: 'abc.1' });
  // @ts-expect-error -- a contract is no channel: it still lacks its parameters
  await hub.forget(counters);
  // @ts-expect-error -- the event is still checked
  await hub.publish(counter, { type: 'added', data: { by: 'one' } }, { producer });
}

declare const own: SqlTransaction;
declare const pglite: Transaction;
declare const client: Client | PoolClient;
declare const unknown: unknown;
declare function expectString(value: string): void;
declare function expectCursor(value: Cursor): void;

export async function publishInTransactions(): Promise<void> {
  for (const tx of [own, pglite, client]) {
    expectString(await hub.publish(counter, event, { tx, key: 'k' }));
    const [result] = await hub.publishMany([{ channel: counter, event }], { tx });
    if (result !== undefined && 'id' in result) expectString(result.id);
    await hub.end(counter, { tx });
    await hub.forget(counter, { tx });
  }
  // Without a transaction, said or unsaid, there is a cursor.
  expectCursor(await hub.publish(counter, event, { tx: undefined }));
  expectCursor(await hub.end(counter));

  // @ts-expect-error -- nobody knows an offset before the commit
  expectCursor(await hub.publish(counter, event, { tx: own }));
  // @ts-expect-error -- no transaction
  await hub.publish(counter, event, { tx: {} });
  // @ts-expect-error -- may be none
  await hub.forget(counter, { tx: unknown });
}

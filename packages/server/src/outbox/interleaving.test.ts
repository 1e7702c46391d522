// Random transactions that commit and roll back, random relays that are killed at random steps: what is delivered is what
// was committed, once each, in the order of each transaction.

import { PGlite } from '@electric-sql/pglite';
import { encodeEventBody } from '@millrace/protocol/wire';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { memoryEngine } from '../engines/memory/memory-engine.ts';
import { pgliteDatabase } from '../engines/postgres/pglite-database.ts';
import type { SqlDatabase } from '../seams/database.ts';
import type { Log } from '../seams/log.ts';
import { eventually } from '../testing/check.ts';
import { dataOf, readAll } from '../testing/engine-cases/engine-case.ts';
import { neverRelays, type OutboxSubject, runOutbox } from '../testing/outbox-subject.ts';
import type { OutboxRequest } from './outbox-row.ts';
import { migrateOutbox } from './outbox-schema.ts';

let pglite: PGlite;
let database: SqlDatabase;

beforeAll(async () => {
  pglite = await PGlite.create();
  database = pgliteDatabase(pglite);
});
afterAll(() => pglite.close());

const CHANNELS = ['a', 'b'];

const transaction = fc.record({
  kind: fc.constant('transaction' as const),
  channels: fc.array(fc.constantFrom(...CHANNELS), { minLength: 1, maxLength: 8 }),
  isKept: fc.boolean(),
  /** From here on rolled back to a savepoint. */
  undoneFrom: fc.option(fc.nat(8)),
});
const action = fc.oneof(
  { weight: 6, arbitrary: transaction },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('plain' as const) }) },
  // A relay that dies at its n-th step from now, and one that comes.
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('relay' as const), dies: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const) }) },
);

test("OUT-2, OUT-3: exactly what was committed is delivered, once, in each transaction's order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 40 }), async (actions) => {
      await pglite.exec('drop schema if exists millrace cascade');
      await migrateOutbox(database);
      const { log } = memoryEngine();
      const writer = runOutbox({ database, log, isKilledAt: neverRelays });
      const committed = new Map<string, string[][]>(CHANNELS.map((channel) => [channel, []]));
      const plain: string[] = [];
      let isOver = false;
      const running: Promise<void>[] = [];
      for (const [index, one] of actions.entries()) {
        if (one.kind === 'transaction') running.push(run(writer, `${index}`, one, committed));
        else if (one.kind === 'plain') {
          plain.push(`plain ${index}`);
          await log.append([{ channel: 'a', body: bodyOf(`plain ${index}`) }]);
        } else if (one.kind === 'relay') startMortal(log, () => isOver, one.dies);
        else await Promise.all(running.splice(0));
      }
      await Promise.all(running);
      await using _ = runOutbox({ database, log });
      await eventually(async () => {
        const [row] = await database.query('select count(*)::float8 as n from millrace.outbox', []);
        return row?.['n'] === 0;
      }, 'nothing waits');
      // Those that live still must not touch what the next round writes.
      isOver = true;
      for (const channel of CHANNELS) await expectDelivered(log, channel, committed, plain);
      const refused = await database.query('select code from millrace.outbox_refused', []);
      expect(refused).toEqual([]);
    }),
    { numRuns: 20, endOnFailure: true },
  );
}, 60_000);

function startMortal(log: Log, isOver: () => boolean, dies: number): void {
  let steps = 0;
  // Killed between two steps, or in the middle of one: it happens, and nobody hears of it.
  runOutbox({
    ...{ database, log },
    isKilledAt(step) {
      if (isOver()) return true;
      if (step.endsWith('look')) return false;
      steps += 1;
      return steps > dies;
    },
  });
}

async function run(
  { outbox }: OutboxSubject,
  name: string,
  {
    channels,
    isKept,
    undoneFrom,
  }: typeof transaction extends fc.Arbitrary<infer One> ? One : never,
  committed: ReadonlyMap<string, string[][]>,
): Promise<void> {
  const texts = channels.map((channel, step) => ({ channel, text: `${name}.${step}` }));
  const kept = texts.slice(0, undoneFrom ?? texts.length);
  const undone = texts.slice(kept.length);
  const requests = (some: typeof texts): OutboxRequest[] =>
    some.map(({ channel, text }) => ({ channel, body: bodyOf(text), key: text }));
  await database
    .transaction(async (tx) => {
      await outbox.write(tx, requests(kept));
      await tx.query('savepoint half');
      await outbox.write(tx, requests(undone));
      if (undone.length > 0) await tx.query('rollback to half');
      if (!isKept) throw new Error('undone');
    })
    .catch((error: unknown) => {
      if (isKept) throw error;
    });
  if (!isKept) return;
  for (const channel of CHANNELS) {
    const own = kept.filter((one) => one.channel === channel).map(({ text }) => text);
    if (own.length > 0) committed.get(channel)?.push(own);
  }
}

async function expectDelivered(
  log: Log,
  channel: string,
  committed: ReadonlyMap<string, string[][]>,
  plain: readonly string[],
): Promise<void> {
  const delivered = dataOf(await readAll(log, channel)).map(String);
  const expected = [...(committed.get(channel) ?? []).flat(), ...(channel === 'a' ? plain : [])];
  expect(delivered.toSorted()).toEqual(expected.toSorted());
  for (const own of committed.get(channel) ?? []) {
    expect(delivered.filter((text) => own.includes(text))).toEqual(own);
  }
}

function bodyOf(text: string): string {
  return encodeEventBody({ type: 'said', data: text, id: text });
}

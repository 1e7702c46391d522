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
import { readyPglite } from '../testing/ready-pglite.ts';
import type { OutboxRequest } from './outbox-row.ts';
import { migrateOutbox } from './outbox-schema.ts';

let pglite: PGlite;
let database: SqlDatabase;

beforeAll(async () => {
  pglite = await readyPglite(PGlite);
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
const STEPS = ['claim', 'inherit', 'take', 'append', 'settle'].flatMap((step) => [
  `before ${step}`,
  `after ${step}`,
]);
const phase = fc.record({
  /** All begun at once. */
  transactions: fc.array(transaction, { minLength: 1, maxLength: 5 }),
  plain: fc.nat(2),
  /** A relay comes that is killed when it is at this step for the n-th time, or when the phase is over. */
  dies: fc.record({ step: fc.constantFrom(...STEPS), nth: fc.constantFrom(0, 0, 1) }),
});
interface Dies {
  readonly step: string;
  readonly nth: number;
}

/** Short enough for one that lives to be replaced now and then as if it did not. */
const timing = { leaseMs: 60, pollMs: 15 };

test("OUT-2, OUT-3: exactly what was committed is delivered, once, in each transaction's order", async () => {
  let killed = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(phase, { minLength: 1, maxLength: 6 }), async (phases) => {
      await pglite.exec('drop schema if exists millrace cascade');
      await migrateOutbox(database);
      const { log } = memoryEngine();
      const writer = runOutbox({ database, log, isKilledAt: neverRelays });
      const committed = new Map<string, string[][]>(CHANNELS.map((channel) => [channel, []]));
      const plain: string[] = [];
      for (const [index, { transactions, plain: plainly, dies }] of phases.entries()) {
        const relay = startMortal(log, dies);
        const running = transactions.map((one, n) => run(writer, `${index}.${n}`, one, committed));
        for (let n = 0; n < plainly; n += 1) {
          plain.push(`plain ${index}.${n}`);
          await log.append([{ channel: 'a', body: bodyOf(`plain ${index}.${n}`) }]);
        }
        // Before the next one comes, or it would leave that one nothing to do.
        await Promise.all(running);
        await eventually(async () => relay.isDead() || (await isDrained()), 'it died or is done');
        if (relay.isDead()) killed += 1;
        relay.kill();
      }
      await using _ = runOutbox({ database, log, timing });
      await eventually(isDrained, 'nothing waits');
      for (const channel of CHANNELS) await expectDelivered(log, channel, committed, plain);
      const refused = await database.query('select code from millrace.outbox_refused', []);
      expect(refused).toEqual([]);
    }),
    { numRuns: 25, endOnFailure: true },
  );
  expect(killed).toBeGreaterThan(15);
});

async function isDrained(): Promise<boolean> {
  const [row] = await database.query('select count(*)::float8 as n from millrace.outbox', []);
  return row?.['n'] === 0;
}

function startMortal(log: Log, dies: Dies): { isDead(): boolean; kill(): void } {
  let left = dies.nth;
  let isDead = false;
  runOutbox({
    ...{ database, log, timing },
    isKilledAt(step) {
      if (step === dies.step) {
        isDead ||= left === 0;
        left -= 1;
      }
      return isDead;
    },
  });
  return {
    isDead: () => isDead,
    kill() {
      isDead = true;
    },
  };
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

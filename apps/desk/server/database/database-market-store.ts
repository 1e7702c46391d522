// The Floor's market in the database: the snapshot to go on from and everything the agents did, in one transaction.
// Each agent is a model with an account of its name, and trades in one run for as long as the market lives.
//
// Rows that are there already are left alone: after a commit whose answer was lost, the market saves again.

import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';
import type { MarketBatch, MarketStore } from '../floor/market-store.ts';
import { isStillHeld } from '../lease/lease.ts';
import { uuidv7 } from '../uuid.ts';
import { actAs, FLOOR_USER_ID } from './as-user.ts';
import { insertMany } from './insert-many.ts';
import {
  FLOOR_MARKET_ID,
  type FloorRun,
  toAccount,
  toDecision,
  toEquityPoint,
  toFill,
  toModel,
  toPositions,
  toRules,
  toRun,
} from './market-rows.ts';
import { queries } from './queries.ts';

/** Who leads the market. */
export const FLOOR_LEASE = 'floor';

type Runs = ReadonlyMap<string, FloorRun>;

const SAVES_PER_VACUUM = 100;

/** Without autovacuum (the embedded database) old versions of rows that are written again and again would pile up. */
export function databaseMarketStore(
  database: SqlDatabase,
  { hasAutovacuum }: { readonly hasAutovacuum: boolean },
): MarketStore {
  let saves = 0;
  return {
    async load() {
      const kept = await queries(database)
        .selectFrom('market_snapshots')
        .select('body')
        .where('market_id', '=', FLOOR_MARKET_ID)
        .executeTakeFirst();
      return kept?.body ?? null;
    },
    async save(batch) {
      await database.transaction(async (tx) => {
        if (batch.fence > 0 && !(await isStillHeld(tx, FLOOR_LEASE, batch.fence))) {
          throw new Error('another node leads the market by now: this one keeps nothing');
        }
        const isNew = await saveSnapshot(tx, batch);
        await actAs(tx, FLOOR_USER_ID);
        await saveTrading(tx, batch, await findRuns(tx, batch, isNew));
      });
      saves += 1;
      if (hasAutovacuum || saves % SAVES_PER_VACUUM !== 0) return;
      await database.query(
        'vacuum desk.market_snapshots, desk.accounts, desk.runs, desk.positions, desk.rules',
      );
    },
  };
}

/** Whether it is the first one: the market has begun anew. */
async function saveSnapshot(tx: SqlTransaction, batch: MarketBatch): Promise<boolean> {
  const db = queries(tx);
  const row = {
    tick: batch.tick,
    market_time: batch.time,
    body: JSON.stringify(batch.snapshot),
    saved_at: new Date(),
  };
  const changed = await db
    .updateTable('market_snapshots')
    .set(row)
    .where('market_id', '=', FLOOR_MARKET_ID)
    .returning('tick')
    .executeTakeFirst();
  if (changed !== undefined) return false;
  await db
    .insertInto('market_snapshots')
    .values({ market_id: FLOOR_MARKET_ID, ...row })
    .execute();
  return true;
}

/** The run of each agent: the one that goes on, or a next one. Those of a market that is no more are over. */
async function findRuns(tx: SqlTransaction, batch: MarketBatch, isNew: boolean): Promise<Runs> {
  const db = queries(tx);
  if (isNew) {
    await db
      .updateTable('runs')
      .set({ status: 'completed' })
      .where('market_id', '=', FLOOR_MARKET_ID)
      .execute();
  }
  const agentIds = batch.standings.map(({ agentId }) => agentId);
  const known = await db
    .selectFrom('runs')
    .distinctOn('model_id')
    .select(['model_id', 'id', 'number', 'started_at'])
    .where('model_id', 'in', agentIds.length === 0 ? [''] : agentIds)
    .orderBy('model_id')
    .orderBy('number', 'desc')
    .execute();
  const newest = new Map(known.map((run) => [run.model_id, run]));
  const startedAt = beginningOf(batch);
  return new Map(
    agentIds.map((agentId): [string, FloorRun] => {
      const run = newest.get(agentId);
      if (run === undefined || isNew) {
        return [agentId, { id: uuidv7(), number: (run?.number ?? 0) + 1, startedAt }];
      }
      const { id, number, started_at } = run;
      return [agentId, { id, number, startedAt: started_at.toISOString() }];
    }),
  );
}

async function saveTrading(tx: SqlTransaction, batch: MarketBatch, runs: Runs): Promise<void> {
  const { standings, time } = batch;
  const runOf = (agentId: string): FloorRun => {
    const run = runs.get(agentId);
    if (run === undefined) throw new Error(`the market's batch has no standing of ${agentId}`);
    return run;
  };
  const now = new Date().toISOString();

  const accounts = standings.map((one) => toAccount(one, now));
  await insertMany(tx, 'accounts', accounts, { key: ['id'], replacing: ['cash'] });
  const models = standings.map((one) => toModel(one, now));
  await insertMany(tx, 'models', models, { key: ['id'], replacing: ['name', 'strategy'] });
  const runRows = standings.map((one) => toRun(one, runOf(one.agentId), batch));
  await insertMany(tx, 'runs', runRows, { key: ['id'], replacing: RUN_FIGURES });

  const positions = standings.flatMap((one) => toPositions(one, runOf(one.agentId), time));
  await insertMany(tx, 'positions', positions, {
    key: ['run_id', 'symbol'],
    replacing: ['quantity', 'cost', 'value', 'updated_at'],
  });
  await tx.query(
    'delete from desk.positions where run_id = any($1::uuid[]) and updated_at <> $2::timestamptz',
    [standings.map(({ agentId }) => runOf(agentId).id), time],
  );

  const rules = standings.flatMap((one) => toRules(one, time));
  await insertMany(tx, 'rules', rules, { key: ['model_id', 'id'], replacing: ['kind', 'rule'] });
  await tx.query(
    `delete from desk.rules where model_id = any($1::text[])
      and (model_id, id) not in (select * from unnest($2::text[], $3::text[]))`,
    [
      standings.map(({ agentId }) => agentId),
      rules.map((rule) => rule.model_id),
      rules.map((rule) => rule.id),
    ],
  );

  const decisions = batch.decisions
    .map((one) => toDecision(one, runOf(one.agentId)))
    .filter((row) => row !== null);
  await insertMany(tx, 'decisions', decisions, { key: ['run_id', 'number'] });
  const fills = batch.fills.map((one) => toFill(one, runOf(one.agentId)));
  await insertMany(tx, 'fills', fills, { key: ['run_id', 'number'] });
  const points = batch.equity.map((one) => toEquityPoint(one, runOf(one.agentId)));
  await insertMany(tx, 'equity_points', points, { key: ['run_id', 'tick'] });
}

const RUN_FIGURES = [
  ...(['status', 'cash', 'equity', 'realised', 'unrealised', 'fees'] as const),
  ...(['order_count', 'fill_count', 'closing_count', 'win_count'] as const),
  ...(['last_tick', 'updated_at'] as const),
];

/** The earliest time that the batch tells of. */
function beginningOf({ decisions, fills, equity, time }: MarketBatch): string {
  const firsts = [decisions[0]?.time, fills[0]?.time, equity[0]?.time, time];
  return firsts.filter((one) => one !== undefined).reduce((a, b) => (a < b ? a : b));
}

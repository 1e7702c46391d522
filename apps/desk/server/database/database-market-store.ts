// The live market in the database: the snapshot to go on from and everything its agents did, in one transaction.
// Each agent of the Floor is a model with an account of its name, and trades in one run for as long as the market lives.
// A person's model trades as its run, whose row is there before its agent is.
//
// The batch is written as whose rows they are: it names the owners, and row-level security holds it to them.

import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';
import { isOfFloor } from '../floor/commands.ts';
import type { MarketBatch, MarketStore } from '../floor/market-store.ts';
import { isStillHeld } from '../lease/lease.ts';
import type { AgentStanding } from '../market/report.ts';
import { uuidv7 } from '../uuid.ts';
import { actForOwners, asUser, FLOOR_USER_ID } from './as-user.ts';
import { insertMany } from './insert-many.ts';
import { commandStore, FLOOR_LEASE, forgetCarriedOut, ownersOf } from './market-commands.ts';
import {
  FLOOR_MARKET_ID,
  type RunProgress,
  type TradedRun,
  toAccount,
  toDecision,
  toEquityPoint,
  toFill,
  toModel,
  toPositions,
  toRefusals,
  toRun,
} from './market-rows.ts';
import { queries } from './queries.ts';
import { insertRecord } from './run-record-rows.ts';

const SAVES_PER_VACUUM = 100;

/** Without autovacuum (the embedded database) old versions of rows that are written again and again would pile up. */
export function databaseMarketStore(
  database: SqlDatabase,
  { hasAutovacuum }: { readonly hasAutovacuum: boolean },
): MarketStore {
  let saves = 0;
  return {
    ...commandStore(database),
    async load() {
      const kept = await queries(database)
        .selectFrom('market_snapshots')
        .select('body')
        .where('market_id', '=', FLOOR_MARKET_ID)
        .executeTakeFirst();
      return kept?.body ?? null;
    },
    async save(batch) {
      await database.transaction((tx) => save(tx, batch));
      saves += 1;
      if (hasAutovacuum || saves % SAVES_PER_VACUUM !== 0) return;
      await database.query(
        'vacuum desk.market_snapshots, desk.accounts, desk.runs, desk.positions',
      );
    },
    async floorRuns() {
      const rows = await asUser(database, FLOOR_USER_ID, (tx) =>
        queries(tx)
          .selectFrom('runs')
          .distinctOn('model_id')
          .select(['model_id', 'id'])
          .where('user_id', '=', FLOOR_USER_ID)
          .orderBy('model_id')
          .orderBy('number', 'desc')
          .execute(),
      );
      return new Map(rows.map((row) => [row.model_id, row.id]));
    },
  };
}

async function save(tx: SqlTransaction, batch: MarketBatch): Promise<void> {
  if (batch.fence > 0 && !(await isStillHeld(tx, FLOOR_LEASE, batch.fence))) {
    throw new Error('another node leads the market by now: this one keeps nothing');
  }
  const isNew = await saveSnapshot(tx, batch);
  const over = isNew ? await forgetCarriedOut(tx) : [];
  const owners = await ownersOf(
    tx,
    namesOf(batch).filter((id) => !isOfFloor(id)),
  );
  const users = [...owners.values(), ...over.map(({ ownerId }) => ownerId)];
  await actForOwners(tx, [...new Set([FLOOR_USER_ID, ...users])]);
  if (isNew) {
    const runIds = over.map(({ runId }) => runId);
    await endRunsOfEarlierMarket(tx, runIds);
  }
  await saveFloorModels(tx, batch);
  const floor = await findFloorRuns(tx, batch, isNew);
  const peoples = await findPeoplesRuns(tx, [...owners.keys()]);
  await saveTrading(tx, batch, new Map([...floor, ...peoples]));
}

/** Whoever has something in the batch. */
function namesOf({ standings, ended }: MarketBatch): string[] {
  return [...standings, ...ended.map(({ standing }) => standing)].map(({ agentId }) => agentId);
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

async function endRunsOfEarlierMarket(
  tx: SqlTransaction,
  runIds: readonly string[],
): Promise<void> {
  await tx.query(
    `update desk.runs set status = 'completed', ended_at = updated_at
      where status <> 'completed' and market_id = $1
        and (user_id = $2 or id = any($3::text[]::uuid[]))`,
    [FLOOR_MARKET_ID, FLOOR_USER_ID, runIds],
  );
}

type Runs = ReadonlyMap<string, TradedRun & Pick<RunProgress, 'status'>>;

/** The run of each agent of the Floor: the one that goes on, or a next one. */
async function findFloorRuns(
  tx: SqlTransaction,
  batch: MarketBatch,
  isNew: boolean,
): Promise<Runs> {
  const agentIds = namesOf(batch).filter(isOfFloor);
  const known = await queries(tx)
    .selectFrom('runs')
    .distinctOn('model_id')
    .select(['model_id', 'id', 'number', 'started_at'])
    .where('model_id', 'in', agentIds.length === 0 ? [''] : agentIds)
    .orderBy('model_id')
    .orderBy('number', 'desc')
    .execute();
  const newest = new Map(known.map((run) => [run.model_id, run]));
  const isEver = { userId: FLOOR_USER_ID, source: 'market', status: 'running' } as const;
  return new Map(
    agentIds.map((modelId) => {
      const run = newest.get(modelId);
      const goesOn = run !== undefined && !isNew;
      return [
        modelId,
        {
          ...isEver,
          modelId,
          id: goesOn ? run.id : uuidv7(),
          number: goesOn ? run.number : (run?.number ?? 0) + 1,
          startedAt: goesOn ? run.started_at.toISOString() : beginningOf(batch),
        },
      ];
    }),
  );
}

/** Those that are there: one whose model was deleted meanwhile is not. Locked, so that it stays so. */
async function findPeoplesRuns(tx: SqlTransaction, runIds: readonly string[]): Promise<Runs> {
  if (runIds.length === 0) return new Map();
  const rows = await queries(tx)
    .selectFrom('runs')
    .select(['id', 'user_id', 'model_id', 'number', 'source', 'status', 'started_at'])
    .where('id', 'in', runIds)
    .orderBy('id')
    .forUpdate()
    .execute();
  return new Map(
    rows.map((row) => [
      row.id,
      {
        ...{ id: row.id, userId: row.user_id, modelId: row.model_id, number: row.number },
        ...{ source: row.source, status: row.status, startedAt: row.started_at.toISOString() },
      },
    ]),
  );
}

async function saveFloorModels(tx: SqlTransaction, { standings }: MarketBatch): Promise<void> {
  const now = new Date().toISOString();
  const floor = standings.filter(({ agentId }) => isOfFloor(agentId));
  const accounts = floor.map((one) => toAccount(one, now));
  await insertMany(tx, 'accounts', accounts, { key: ['id'], replacing: ['cash'] });
  const models = floor.map((one) => toModel(one, now));
  await insertMany(tx, 'models', models, { key: ['id'], replacing: ['name', 'strategy'] });
}

async function saveTrading(tx: SqlTransaction, batch: MarketBatch, runs: Runs): Promise<void> {
  const { tick, time } = batch;
  const open = batch.standings.flatMap((standing) => {
    const run = runs.get(standing.agentId);
    if (run === undefined) return [];
    return [{ standing, run, progress: { status: run.status, tick, time, endedAt: null } }];
  });
  const over = batch.ended.flatMap(({ standing, ...at }) => {
    const run = runs.get(standing.agentId);
    if (run === undefined) return [];
    return [{ standing, run, progress: { ...at, status: 'completed', endedAt: at.time } as const }];
  });
  const all: readonly Saved[] = [...open, ...over];
  await insertMany(
    tx,
    'runs',
    all.map(({ standing, run, progress }) => toRun(standing, run, progress)),
    { key: ['id'], replacing: RUN_FIGURES },
  );
  await insertMany(
    tx,
    'positions',
    all.flatMap(({ standing, run, progress }) => toPositions(standing, run, progress.time)),
    { key: ['run_id', 'symbol'], replacing: ['quantity', 'cost', 'value', 'updated_at'] },
  );
  await tx.query(
    `delete from desk.positions as held
      using unnest($1::text[], $2::timestamptz[]) as kept (run_id, at)
      where held.run_id = kept.run_id::uuid and held.updated_at <> kept.at`,
    [all.map(({ run }) => run.id), all.map(({ progress }) => progress.time)],
  );

  const ofRun = <One extends { readonly agentId: string }>(one: One): [One, TradedRun][] => {
    const run = runs.get(one.agentId);
    if (run !== undefined) return [[one, run]];
    // Of a person's whose run was deleted, or else of nobody.
    if (isOfFloor(one.agentId) || !namesOf(batch).includes(one.agentId)) {
      throw new Error(`the market's batch has no standing of ${one.agentId}`);
    }
    return [];
  };
  await insertRecord(tx, {
    decisions: batch.decisions
      .flatMap(ofRun)
      .map(([one, run]) => toDecision(one, run))
      .filter((row) => row !== null),
    fills: batch.fills.flatMap(ofRun).map(([one, run]) => toFill(one, run)),
    refusals: [...runs].flatMap(([agentId, run]) =>
      toRefusals(
        batch.refused.filter((one) => one.agentId === agentId),
        run,
      ),
    ),
    equity: batch.equity.flatMap(ofRun).map(([one, run]) => toEquityPoint(one, run)),
  });
}

interface Saved {
  readonly standing: AgentStanding;
  readonly run: TradedRun;
  readonly progress: RunProgress;
}

const RUN_FIGURES = [
  ...(['status', 'cash', 'equity', 'realised', 'unrealised', 'fees'] as const),
  ...(['order_count', 'fill_count', 'closing_count', 'win_count'] as const),
  ...(['last_tick', 'updated_at', 'ended_at', 'rules'] as const),
];

/** The earliest time that the batch tells of. */
function beginningOf({ decisions, fills, equity, time }: MarketBatch): string {
  const firsts = [decisions[0]?.time, fills[0]?.time, equity[0]?.time, time];
  return firsts.filter((one) => one !== undefined).reduce((a, b) => (a < b ? a : b));
}

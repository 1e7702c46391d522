// Runs of models: begun and ended in the live market, and read. Each function is one transaction on behalf of a user.
// A run id of another model, or somebody else's, is `request/not-found`.

import { MillraceError } from '@millrace/protocol';
import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';
import type { Selectable } from 'kysely';
import type { User } from '../../shared/api.ts';
import type { RunAnswer, RunInfo } from '../../shared/trading.ts';
import { fromDecimal, type Money } from '../market/money.ts';
import type { TradingRule } from '../market/rule.ts';
import { uuidv7 } from '../uuid.ts';
import { actAs, actAsServer, asUser } from './as-user.ts';
import { insertMany } from './insert-many.ts';
import { insertCommand, type OpenRunLimits, requireRoom } from './market-commands.ts';
import { type RunStanding, toRun } from './market-rows.ts';
import { lockModel, type Model, notFound, requireModel, requireOwn } from './models.ts';
import { queries } from './queries.ts';
import { rulesOf } from './rules.ts';
import type { RunRow } from './tables.ts';
import {
  readRules,
  strategyOf,
  toDecisionInfo,
  toFillInfo,
  toPosition,
  toRefusalInfo,
  toRuleInfo,
  toRunInfo,
} from './trading-info.ts';

const MOST_RUNS = 100;
const NEWEST = 50;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export interface RunPlace {
  readonly modelId: string;
  /** An id, or `latest`: the newest run of the model. */
  readonly runId: string;
}

/** @throws MillraceError `request/not-found` */
export function listRuns(
  database: SqlDatabase,
  user: User,
  modelId: string,
): Promise<readonly RunInfo[]> {
  return asUser(database, user.id, async (tx) => {
    await requireModel(tx, modelId);
    const rows = await queries(tx)
      .selectFrom('runs')
      .selectAll()
      .where('model_id', '=', modelId)
      .orderBy('number', 'desc')
      .limit(MOST_RUNS)
      .execute();
    return rows.map(toRunInfo);
  });
}

/** @throws MillraceError `request/not-found` */
export function readRun(database: SqlDatabase, user: User, place: RunPlace): Promise<RunAnswer> {
  return asUser(database, user.id, async (tx) => {
    const run = await requireRun(tx, place);
    const db = queries(tx);
    const positions = await db
      .selectFrom('positions')
      .selectAll()
      .where('run_id', '=', run.id)
      .orderBy('symbol')
      .execute();
    const decisions = await db
      .selectFrom('decisions')
      .selectAll()
      .where('run_id', '=', run.id)
      .orderBy('number', 'desc')
      .limit(NEWEST)
      .execute();
    const fills = await db
      .selectFrom('fills')
      .selectAll()
      .where('run_id', '=', run.id)
      .orderBy('number', 'desc')
      .limit(NEWEST)
      .execute();
    const refusals = await db
      .selectFrom('refusals')
      .selectAll()
      .where('run_id', '=', run.id)
      .orderBy('decision_number', 'desc')
      .orderBy('position')
      .limit(NEWEST)
      .execute();
    return {
      run: toRunInfo(run),
      positions: positions.map(toPosition),
      decisions: decisions.map(toDecisionInfo),
      fills: fills.map(toFillInfo),
      refusals: refusals.map(toRefusalInfo),
      rules: readRules(run.rules).map(toRuleInfo),
    };
  });
}

/** What of a model a new run begins with. */
export interface RunBeginning {
  readonly model: Model;
  readonly startingCash: Money;
  readonly rules: readonly TradingRule[];
}

/** @throws MillraceError `request/not-found`, `auth/denied` for one of the Floor's */
export function readBeginning(
  database: SqlDatabase,
  user: User,
  modelId: string,
): Promise<RunBeginning> {
  return asUser(database, user.id, async (tx) =>
    beginningOf(tx, requireOwn(await requireModel(tx, modelId))),
  );
}

/** The market's clock, as the node that was asked knows it. */
export interface MarketClock {
  readonly tick: number;
  /** Empty before the first tick. */
  readonly time: string;
}

/**
 * The model trades from the market's next tick on, checked against the rules that were accepted for it.
 * @throws MillraceError `request/not-found`, `auth/denied` for one of the Floor's, `request/conflict` for one too many
 */
export function startRun(
  database: SqlDatabase,
  user: User,
  options: {
    readonly modelId: string;
    readonly clock: MarketClock;
    readonly limits: OpenRunLimits;
  },
): Promise<RunInfo> {
  const { modelId, clock, limits } = options;
  return database.transaction(async (tx) => {
    await actAs(tx, user.id);
    const model = requireOwn(await lockModel(tx, modelId));
    const { startingCash: cash, rules } = await beginningOf(tx, model);
    const time = clock.time || new Date().toISOString();
    const number = await nextNumber(tx, modelId);
    const id = uuidv7();
    const run = {
      id,
      userId: user.id,
      modelId,
      number,
      source: 'market',
      startedAt: time,
    } as const;
    const progress = { status: 'running', tick: clock.tick, time, endedAt: null } as const;
    const row = toRun(untraded(cash, rules), run, progress);
    await insertMany(tx, 'runs', [row], { key: ['id'] });
    const info = toRunInfo(await requireRun(tx, { modelId, runId: id }));
    await actAsServer(tx);
    await requireRoom(tx, user.id, limits);
    const strategy = strategyOf(model);
    const command = { kind: 'add-agent', agentId: id, strategy, cash } as const;
    await insertCommand(tx, {
      ownerId: user.id,
      modelId,
      command: { ...command, rules: [...rules] },
    });
    return info;
  });
}

/**
 * It trades until the market's next tick; what it holds stays as it is then. One that is over stays as it is.
 * @throws MillraceError `request/not-found`, `auth/denied` for one of the Floor's
 */
export function endRun(database: SqlDatabase, user: User, place: RunPlace): Promise<RunInfo> {
  return database.transaction(async (tx) => {
    await actAs(tx, user.id);
    const model = await lockModel(tx, place.modelId);
    const run = await requireRun(tx, place);
    requireOwn(model);
    if (run.status !== 'running') return toRunInfo(run);
    await queries(tx)
      .updateTable('runs')
      .set({ status: 'ending' })
      .where('id', '=', run.id)
      .where('status', '=', 'running')
      .execute();
    const info = toRunInfo(await requireRun(tx, { ...place, runId: run.id }));
    await actAsServer(tx);
    const command = { kind: 'close-agent', agentId: run.id } as const;
    await insertCommand(tx, { ownerId: user.id, modelId: place.modelId, command });
    return info;
  });
}

/** For a transaction on behalf of a user. @throws MillraceError `request/not-found` */
export async function requireRun(
  tx: SqlTransaction,
  { modelId, runId }: RunPlace,
): Promise<Selectable<RunRow>> {
  if (runId !== 'latest' && !UUID.test(runId)) throw notFound('run');
  const ofModel = queries(tx).selectFrom('runs').selectAll().where('model_id', '=', modelId);
  const row = await (runId === 'latest'
    ? ofModel.orderBy('number', 'desc').limit(1)
    : ofModel.where('id', '=', runId)
  ).executeTakeFirst();
  if (row === undefined) throw notFound('run');
  return row;
}

/** Of a model that the transaction has locked. */
export async function nextNumber(tx: SqlTransaction, modelId: string): Promise<number> {
  const { last } = await queries(tx)
    .selectFrom('runs')
    .select((of) => of.fn.max('number').as('last'))
    .where('model_id', '=', modelId)
    .executeTakeFirstOrThrow();
  return (last ?? 0) + 1;
}

async function beginningOf(tx: SqlTransaction, model: Model): Promise<RunBeginning> {
  const account = await queries(tx)
    .selectFrom('accounts')
    .select('starting_cash')
    .where('id', '=', model.account_id ?? '')
    .executeTakeFirst();
  if (account === undefined) {
    throw new MillraceError('request/conflict', 'The model has no account: make another model.');
  }
  const startingCash = fromDecimal(account.starting_cash);
  return { model, startingCash, rules: await rulesOf(tx, model.id) };
}

function untraded(startingCash: Money, rules: readonly TradingRule[]): RunStanding {
  const none = { realised: 0, unrealised: 0, fees: 0, holdings: [] };
  const tally = { orders: 0, fills: 0, closings: 0, wins: 0 };
  return { startingCash, cash: startingCash, equity: startingCash, ...none, rules, tally };
}

/** Whether there is such a run for whom the transaction acts. */
export async function isRunVisible(tx: SqlTransaction, runId: string): Promise<boolean> {
  if (!UUID.test(runId)) return false;
  const row = await queries(tx)
    .selectFrom('runs')
    .select('id')
    .where('id', '=', runId)
    .executeTakeFirst();
  return row !== undefined;
}

// Models of people's own, and the Floor's as everybody sees them. Each function is one transaction on behalf of a user:
// what isn't theirs is not there (as-user.ts), and says so as `request/not-found`.

import { MillraceError } from '@millrace/protocol';
import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';
import type { Selectable } from 'kysely';
import type { User } from '../../shared/api.ts';
import type { ModelInfo } from '../../shared/trading.ts';
import { AGENTS } from '../agents/agents.ts';
import type { StrategyKind } from '../agents/strategies/registry.ts';
import { type Money, toDecimal } from '../market/money.ts';
import { uuidv7 } from '../uuid.ts';
import { actAs, actAsServer, asUser, FLOOR_USER_ID } from './as-user.ts';
import { insertCommand } from './market-commands.ts';
import { queries } from './queries.ts';
import type { ModelRow } from './tables.ts';
import { toModelInfo } from './trading-info.ts';

/** Of one person. */
const MOST_MODELS = 50;

export function listModels(database: SqlDatabase, user: User): Promise<readonly ModelInfo[]> {
  return asUser(database, user.id, async (tx) => {
    const models = await queries(tx)
      .selectFrom('models')
      .selectAll()
      .orderBy('name')
      .orderBy('id')
      .limit(MOST_MODELS + AGENTS.length)
      .execute();
    const place = (model: ModelRow['id']): number => AGENTS.findIndex(({ id }) => id === model);
    // A sort is stable: one's own, which have no place there, stay by name.
    return describe(
      tx,
      models.toSorted((one, other) => place(one.id) - place(other.id)),
    );
  });
}

/** @throws MillraceError `request/not-found` */
export function readModel(database: SqlDatabase, user: User, modelId: string): Promise<ModelInfo> {
  return asUser(database, user.id, async (tx) => describeOne(tx, await requireModel(tx, modelId)));
}

export interface NewModel {
  readonly name: string;
  readonly strategy: StrategyKind;
  readonly startingCash: Money;
}

/** @throws MillraceError `request/conflict` for one too many */
export function createModel(
  database: SqlDatabase,
  user: User,
  { name, strategy, startingCash }: NewModel,
): Promise<ModelInfo> {
  return database.transaction(async (tx) => {
    await keepUser(tx, user);
    await actAs(tx, user.id);
    const db = queries(tx);
    const { count } = await db
      .selectFrom('models')
      .select((of) => of.fn.countAll<string>().as('count'))
      .where('user_id', '=', user.id)
      .executeTakeFirstOrThrow();
    if (Number(count) >= MOST_MODELS) {
      const message = `You have ${MOST_MODELS} models, as many as there may be. Delete one first.`;
      throw new MillraceError('request/conflict', message);
    }
    const id = uuidv7();
    const cash = toDecimal(startingCash);
    const own = { id, user_id: user.id, name };
    await db
      .insertInto('accounts')
      .values({ ...own, starting_cash: cash, cash })
      .execute();
    await db
      .insertInto('models')
      .values({ ...own, account_id: id, strategy })
      .execute();
    return describeOne(tx, await requireModel(tx, id));
  });
}

/** @throws MillraceError `request/not-found`, `auth/denied` for one of the Floor's */
export function renameModel(
  database: SqlDatabase,
  user: User,
  { modelId, name }: { readonly modelId: string; readonly name: string },
): Promise<ModelInfo> {
  return asUser(database, user.id, async (tx) => {
    requireOwn(await requireModel(tx, modelId));
    await queries(tx).updateTable('models').set({ name }).where('id', '=', modelId).execute();
    return describeOne(tx, await requireModel(tx, modelId));
  });
}

/**
 * With its runs and all that hangs on them. Those that go on trade until the market's next tick, for nobody.
 * @returns the ids of its runs
 * @throws MillraceError `request/not-found`, `auth/denied` for one of the Floor's
 */
export function deleteModel(
  database: SqlDatabase,
  user: User,
  modelId: string,
): Promise<readonly string[]> {
  return database.transaction(async (tx) => {
    await actAs(tx, user.id);
    const model = requireOwn(await lockModel(tx, modelId));
    const db = queries(tx);
    const runs = await db
      .selectFrom('runs')
      .select(['id', 'status', 'source'])
      .where('model_id', '=', modelId)
      .execute();
    await db.deleteFrom('models').where('id', '=', modelId).execute();
    if (model.account_id !== null) {
      await db.deleteFrom('accounts').where('id', '=', model.account_id).execute();
    }
    await actAsServer(tx);
    for (const { id: agentId, status } of runs) {
      if (status !== 'running') continue;
      const command = { kind: 'close-agent', agentId } as const;
      await insertCommand(tx, { ownerId: user.id, modelId, command });
    }
    return runs.filter(({ source }) => source === 'market').map(({ id }) => id);
  });
}

export type Model = Selectable<ModelRow>;

/** For a transaction on behalf of a user. @throws MillraceError `request/not-found` */
export async function requireModel(tx: SqlTransaction, modelId: string): Promise<Model> {
  const row = await queries(tx)
    .selectFrom('models')
    .selectAll()
    .where('id', '=', modelId)
    .executeTakeFirst();
  if (row === undefined) throw notFound('model');
  return row;
}

/** The same, and whoever else locks it waits; the Floor's is only read, since it is not the user's to lock. */
export async function lockModel(tx: SqlTransaction, modelId: string): Promise<Model> {
  await queries(tx)
    .selectFrom('models')
    .select('id')
    .where('id', '=', modelId)
    .forUpdate()
    .execute();
  return requireModel(tx, modelId);
}

/** @throws MillraceError `auth/denied` for one of the Floor's */
export function requireOwn(model: Model): Model {
  if (model.user_id !== FLOOR_USER_ID) return model;
  const message = `${model.name} is the Floor's: it trades by itself. Make a model of your own.`;
  throw new MillraceError('auth/denied', message);
}

/** Foreign and missing are one and the same. */
export function notFound(what: 'model' | 'run' | 'rule'): MillraceError {
  return new MillraceError('request/not-found', `There is no such ${what}.`);
}

/** Whoever a token speaks of owns things from now on, also one who never signed in by name. */
async function keepUser(tx: SqlTransaction, { id, name, isAdmin }: User): Promise<void> {
  await tx.query(
    'insert into desk.users (id, name, is_admin) values ($1, $2, $3) on conflict (id) do nothing',
    [id, name.slice(0, 40) || id.slice(0, 40), isAdmin],
  );
}

async function describeOne(tx: SqlTransaction, model: Model): Promise<ModelInfo> {
  const [info] = await describe(tx, [model]);
  if (info === undefined) throw notFound('model');
  return info;
}

async function describe(tx: SqlTransaction, models: readonly Model[]): Promise<ModelInfo[]> {
  if (models.length === 0) return [];
  const db = queries(tx);
  const ids = models.map(({ id }) => id);
  const accounts = await db
    .selectFrom('accounts')
    .select(['id', 'starting_cash'])
    .where(
      'id',
      'in',
      models.map(({ account_id }) => account_id ?? ''),
    )
    .execute();
  const counts = await db
    .selectFrom('runs')
    .select((of) => ['model_id', of.fn.countAll<string>().as('count')])
    .where('model_id', 'in', ids)
    .groupBy('model_id')
    .execute();
  const newest = await db
    .selectFrom('runs')
    .distinctOn('model_id')
    .selectAll()
    .where('model_id', 'in', ids)
    .orderBy('model_id')
    .orderBy('number', 'desc')
    .execute();
  const cashOf = new Map(accounts.map((row) => [row.id, row.starting_cash]));
  const countOf = new Map(counts.map((row) => [row.model_id, Number(row.count)]));
  const runOf = new Map(newest.map((row) => [row.model_id, row]));
  return models.map((model) =>
    toModelInfo({
      model,
      startingCash: cashOf.get(model.account_id ?? '') ?? null,
      runCount: countOf.get(model.id) ?? 0,
      latestRun: runOf.get(model.id) ?? null,
    }),
  );
}

// Reads runs as the user whom the transaction acts for (database/as-user.ts): what row-level security hides isn't there.
// Bounded: of what a run has without end only the newest are read, and the record says so.
import type { SqlTransaction } from '@millrace/server/postgres';
import { type Selectable, sql } from 'kysely';
import { queries } from '../database/queries.ts';
import { rulesOf } from '../database/rules.ts';
import type { FillRow, ModelRow, RunRow } from '../database/tables.ts';
import { fromDecimal } from '../market/money.ts';
import { heldBefore, roundTrips } from './round-trips.ts';
import type {
  Cut,
  EquityAt,
  Execution,
  OpenPosition,
  RunFacts,
  RunRecord,
  RunSummary,
} from './run-record.ts';

/** So many of each are read at most, the newest. */
export interface RecordBounds {
  readonly fills: number;
  readonly equityPoints: number;
  readonly decisions: number;
}

/**
 * Two weeks of the busiest agent, a quarter of the others. On an embedded database a row costs some 25 µs, and somebody
 * waits for the first word of an answer.
 */
export const RECORD_BOUNDS: RecordBounds = { fills: 3_000, equityPoints: 10_000, decisions: 1_000 };

const MAX_POSITIONS = 500;

export interface RunReference {
  readonly modelId: string;
  /** An id, or `latest` for the model's newest run. */
  readonly runId: string;
}

type Row = Selectable<RunRow> & { readonly model_name: Selectable<ModelRow>['name'] } & {
  readonly strategy: Selectable<ModelRow>['strategy'];
};

/** Null for a run that the user may not see, that is not of the model, or that does not exist: all the same. */
export async function readRunRecord(
  tx: SqlTransaction,
  { modelId, runId }: RunReference,
  bounds: RecordBounds = RECORD_BOUNDS,
): Promise<RunRecord | null> {
  if (runId !== 'latest' && !UUID.test(runId)) return null;
  const found = runsWithModels(tx).where('runs.model_id', '=', modelId);
  const row = await (runId === 'latest'
    ? found.orderBy('runs.number', 'desc').limit(1)
    : found.where('runs.id', '=', runId)
  ).executeTakeFirst();
  if (row === undefined) return null;
  const run = toFacts(row);
  const executions = await readExecutions(tx, run.id, bounds.fills);
  const positions = await readPositions(tx, run.id);
  const points = await readEquity(tx, run.id, bounds.equityPoints);
  const decisions = await readDecisions(tx, run.id, bounds.decisions);
  const rules = await rulesOf(tx, modelId);
  const cuts = [
    await cutOf(tx, { of: 'fills', run, kept: executions, bound: bounds.fills }),
    await cutOf(tx, { of: 'equity points', run, kept: points, bound: bounds.equityPoints }),
    await cutOf(tx, { of: 'decisions', run, kept: decisions, bound: bounds.decisions }),
  ].filter((cut) => cut !== null);
  const isWhole = !cuts.some((cut) => cut.of === 'fills');
  const held = isWhole ? undefined : heldBefore(executions, positions);
  return {
    ...{ run, executions, positions, decisions, rules, cuts },
    trades: roundTrips(executions, held),
    equity: wholeCurve(run, points, !cuts.some((cut) => cut.of === 'equity points')),
  };
}

/** The user's runs, newest first. */
export async function readRunSummaries(
  tx: SqlTransaction,
  { limit }: { readonly limit: number },
): Promise<RunSummary[]> {
  const rows = await runsWithModels(tx)
    .select((eb) =>
      eb
        .selectFrom('rules')
        .select((inner) => inner.fn.countAll<string>().as('count'))
        .whereRef('rules.model_id', '=', 'runs.model_id')
        .as('rule_count'),
    )
    .orderBy('runs.started_at', 'desc')
    .orderBy('runs.model_id')
    .orderBy('runs.number', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ ...toFacts(row), ruleCount: Number(row.rule_count ?? 0) }));
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function runsWithModels(tx: SqlTransaction) {
  return queries(tx)
    .selectFrom('runs')
    .innerJoin('models', 'models.id', 'runs.model_id')
    .selectAll('runs')
    .select(['models.name as model_name', 'models.strategy']);
}

function toFacts(row: Row): RunFacts {
  return {
    ...{ id: row.id, modelId: row.model_id, modelName: row.model_name, strategy: row.strategy },
    ...{
      number: row.number,
      isImported: row.market_id === null,
      status: row.status === 'completed' ? 'completed' : 'running',
    },
    startedAt: row.started_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    startingCash: fromDecimal(row.starting_cash),
    cash: fromDecimal(row.cash),
    equity: fromDecimal(row.equity),
    realised: fromDecimal(row.realised),
    unrealised: fromDecimal(row.unrealised),
    fees: fromDecimal(row.fees),
    ...{ orderCount: row.order_count, fillCount: row.fill_count },
    ...{ closingCount: row.closing_count, winCount: row.win_count },
  };
}

async function readExecutions(
  tx: SqlTransaction,
  runId: string,
  limit: number,
): Promise<Execution[]> {
  const rows = await queries(tx)
    .selectFrom('fills')
    .select(FILL_COLUMNS)
    .where('run_id', '=', runId)
    .orderBy('number', 'desc')
    .limit(limit)
    .execute();
  return rows.toReversed().map(toExecution);
}

const FILL_COLUMNS = [
  ...(['number', 'order_number', 'decision_number', 'filled_at', 'symbol', 'side'] as const),
  ...(['price', 'quantity', 'notional', 'fee', 'realised', 'liquidity', 'tag'] as const),
] as const;

function toExecution(row: Pick<Selectable<FillRow>, (typeof FILL_COLUMNS)[number]>): Execution {
  const { number, symbol, side, liquidity, tag } = row;
  return {
    ...{ number, symbol, side, liquidity, tag },
    orderNumber: row.order_number,
    decisionNumber: row.decision_number,
    at: row.filled_at.toISOString(),
    price: fromDecimal(row.price),
    quantity: Number(row.quantity),
    notional: fromDecimal(row.notional),
    fee: fromDecimal(row.fee),
    realised: fromDecimal(row.realised),
  };
}

async function readPositions(tx: SqlTransaction, runId: string): Promise<OpenPosition[]> {
  const rows = await queries(tx)
    .selectFrom('positions')
    .select(['symbol', 'quantity', 'cost', 'value'])
    .where('run_id', '=', runId)
    .orderBy('symbol')
    .limit(MAX_POSITIONS)
    .execute();
  return rows.map(({ symbol, quantity, cost, value }) => ({
    ...{ symbol, quantity: Number(quantity) },
    ...{ cost: fromDecimal(cost), value: fromDecimal(value) },
  }));
}

async function readEquity(tx: SqlTransaction, runId: string, limit: number): Promise<EquityAt[]> {
  const rows = await queries(tx)
    .selectFrom('equity_points')
    .select(['at', 'equity', 'cash'])
    .where('run_id', '=', runId)
    .orderBy('tick', 'desc')
    .limit(limit)
    .execute();
  return rows.toReversed().map(({ at, equity, cash }) => ({
    at: at.toISOString(),
    ...{ equity: fromDecimal(equity), cash: fromDecimal(cash) },
  }));
}

/** Points are kept now and then: where it began and where it stands belong to the curve, too. */
function wholeCurve(run: RunFacts, points: readonly EquityAt[], isWhole: boolean): EquityAt[] {
  const { startedAt, updatedAt, startingCash, equity, cash } = run;
  const [first, last] = [points[0], points.at(-1)];
  const begins = isWhole && (first === undefined || startedAt < first.at);
  const ends = last === undefined ? startedAt < updatedAt : last.at < updatedAt;
  return [
    ...(begins ? [{ at: startedAt, equity: startingCash, cash: startingCash }] : []),
    ...points,
    ...(ends ? [{ at: updatedAt, equity, cash }] : []),
  ];
}

/** Everything that a strategy looked at, which is most of a reasoning, and says nothing of what it did. */
const LOOKED_AT = '{signals,forecasts,weights}';

async function readDecisions(
  tx: SqlTransaction,
  runId: string,
  limit: number,
): Promise<RunRecord['decisions']> {
  const rows = await queries(tx)
    .selectFrom('decisions')
    .select(['number', 'decided_at', 'orders', 'cancels'])
    .select(sql<unknown>`reasoning - ${sql.lit(LOOKED_AT)}::text[]`.as('reasoning'))
    .where('run_id', '=', runId)
    .orderBy('number', 'desc')
    .limit(limit)
    .execute();
  return rows.toReversed().map(({ number, decided_at, orders, cancels, reasoning }) => ({
    ...{ number, at: decided_at.toISOString(), orders, cancels, reasoning },
  }));
}

async function cutOf(
  tx: SqlTransaction,
  {
    of,
    run,
    kept,
    bound,
  }: {
    readonly of: Cut['of'];
    readonly run: RunFacts;
    readonly kept: readonly { readonly at: string }[];
    readonly bound: number;
  },
): Promise<Cut | null> {
  const oldest = kept[0];
  if (kept.length < bound || oldest === undefined) return null;
  const table = of === 'equity points' ? 'equity_points' : of;
  const counted = await queries(tx)
    .selectFrom(table)
    .select((eb) => eb.fn.countAll<string>().as('total'))
    .where('run_id', '=', run.id)
    .executeTakeFirst();
  const total = Number(counted?.total ?? 0);
  if (total <= kept.length) return null;
  return { of, kept: kept.length, total, since: oldest.at };
}

// Keeps a run that is over when it is made: of imported trades, or played over imported prices. One transaction on behalf
// of its owner, after all of the reckoning: others wait while it is open.

import type { SqlDatabase } from '@millrace/server/postgres';
import type { User } from '../../shared/api.ts';
import type { RunInfo } from '../../shared/trading.ts';
import type { ImportedRun } from '../market/imported-run.ts';
import type { ReplayedRun } from '../market/replayed-run.ts';
import { uuidv7 } from '../uuid.ts';
import { asUser } from './as-user.ts';
import { insertMany } from './insert-many.ts';
import {
  type RunStanding,
  type TradedRun,
  toDecision,
  toEquityPoint,
  toFill,
  toPositions,
  toRefusals,
  toRun,
} from './market-rows.ts';
import { lockModel, requireOwn } from './models.ts';
import { insertRecord, type RecordRows } from './run-record-rows.ts';
import { nextNumber, requireRun } from './runs.ts';
import { toRunInfo } from './trading-info.ts';

interface FinishedRun {
  readonly source: 'csv' | 'replay';
  readonly standing: RunStanding;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly ticks: number;
  rows(run: TradedRun): RecordRows;
}

/** @throws MillraceError `request/not-found`, `auth/denied` for a model of the Floor's */
export function keepImportedRun(
  database: SqlDatabase,
  user: User,
  { modelId, run }: { readonly modelId: string; readonly run: ImportedRun },
): Promise<RunInfo> {
  const { startedAt, endedAt, decisions, fills, equityPoints } = run;
  return keep(database, user, modelId, {
    ...{ source: 'csv', startedAt, endedAt, ticks: fills.length },
    standing: { ...run, rules: [] },
    rows: (traded) => ({
      decisions: each(decisions, (one) => toDecision(one, traded)),
      fills: each(fills, (one) => toFill(one, traded)),
      refusals: [],
      equity: each(equityPoints, (one) => toEquityPoint(one, traded)),
    }),
  });
}

/** @throws MillraceError as `keepImportedRun` */
export function keepReplayedRun(
  database: SqlDatabase,
  user: User,
  { modelId, run }: { readonly modelId: string; readonly run: ReplayedRun },
): Promise<RunInfo> {
  const { record } = run;
  return keep(database, user, modelId, {
    ...{ source: 'replay', ...run },
    rows: (traded) => ({
      decisions: each(record.decisions, (one) => toDecision(one, traded)),
      fills: each(record.fills, (one) => toFill(one, traded)),
      refusals: toRefusals(record.refused, traded),
      equity: each(record.equity, (one) => toEquityPoint(one, traded)),
    }),
  });
}

/** As they are asked for: some ten thousands at once would hold up everybody for as long. */
function* each<One, Row>(all: readonly One[], toRow: (one: One) => Row | null): Iterable<Row> {
  for (const one of all) {
    const row = toRow(one);
    if (row !== null) yield row;
  }
}

function keep(
  database: SqlDatabase,
  user: User,
  modelId: string,
  finished: FinishedRun,
): Promise<RunInfo> {
  const { source, standing, startedAt, endedAt, ticks } = finished;
  return asUser(database, user.id, async (tx) => {
    requireOwn(await lockModel(tx, modelId));
    const number = await nextNumber(tx, modelId);
    const run = { id: uuidv7(), userId: user.id, modelId, number, source, startedAt };
    const progress = { status: 'completed', tick: ticks, time: endedAt, endedAt } as const;
    await insertMany(tx, 'runs', [toRun(standing, run, progress)], { key: ['id'] });
    const positions = toPositions(standing, run, endedAt);
    await insertMany(tx, 'positions', positions, { key: ['run_id', 'symbol'] });
    await insertRecord(tx, finished.rows(run));
    return toRunInfo(await requireRun(tx, { modelId, runId: run.id }));
  });
}

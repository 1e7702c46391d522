// The model and trading run that a chat is about, as far as its user may see them: what is foreign is not there.

import { MillraceError } from '@millrace/protocol';
import type { SqlTransaction } from '@millrace/server/postgres';
import { queries } from '../database/queries.ts';
import type { Subject } from './session-rows.ts';

export interface SeenModel {
  readonly id: string;
  readonly name: string;
  readonly strategy: string;
}

export interface SeenRun {
  readonly id: string;
  /** Within its model. */
  readonly number: number;
}

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** In a transaction of that user. @throws MillraceError `request/not-found` */
export async function requireModel(tx: SqlTransaction, modelId: string): Promise<SeenModel> {
  const model = await queries(tx)
    .selectFrom('models')
    .select(['id', 'name', 'strategy'])
    .where('id', '=', clean(modelId))
    .executeTakeFirst();
  if (model === undefined) throw notFound('model');
  return model;
}

/** `latest` is the model's newest one. In a transaction of that user. @throws MillraceError `request/not-found` */
export async function requireRun(
  tx: SqlTransaction,
  modelId: string,
  runId: string,
): Promise<SeenRun> {
  if (runId !== 'latest' && !UUID.test(runId)) throw notFound('run');
  let runs = queries(tx)
    .selectFrom('runs')
    .select(['id', 'number'])
    .where('model_id', '=', clean(modelId));
  runs = runId === 'latest' ? runs.orderBy('number', 'desc') : runs.where('id', '=', runId);
  const run = await runs.limit(1).executeTakeFirst();
  if (run === undefined) throw notFound('run');
  return run;
}

/** What a new chat is about, as far as its user may see it. @throws MillraceError `request/not-found`, `request/invalid` */
export async function subjectOf(
  tx: SqlTransaction,
  modelId: string | null,
  runId: string | null,
): Promise<Subject> {
  if (modelId === null) {
    if (runId === null) return { modelId: null, runId: null };
    throw new MillraceError('request/invalid', 'A runId needs its modelId.');
  }
  if (runId === null) return { modelId: (await requireModel(tx, modelId)).id, runId: null };
  return { modelId, runId: (await requireRun(tx, modelId, runId)).id };
}

/** PostgreSQL takes no text with a zero character in it. */
function clean(id: string): string {
  return id.replaceAll('\0', '');
}

function notFound(what: string): MillraceError {
  return new MillraceError('request/not-found', `There is no such ${what}.`);
}

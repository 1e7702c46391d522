// What a run left that was not completed, and what a run that goes on with it begins with. Rules: RUN-16.

import type { Json, RunPart } from '@millrace/protocol/runs';
import type { SqlTransaction } from '@millrace/server/postgres';

/** The parts of a run that is over and was not completed. Null for none. */
export async function readPartial(tx: SqlTransaction, runId: string): Promise<Json> {
  const [row] = await tx.query('select partial as parts from millrace.ai_runs where id = $1', [
    runId,
  ]);
  const text = row?.['parts'];
  return typeof text === 'string' ? (JSON.parse(text) as Json) : null;
}

/** As it was mended when the run was accepted. */
export async function readPrefix(tx: SqlTransaction, runId: string): Promise<readonly RunPart[]> {
  const [row] = await tx.query('select prefix as parts from millrace.ai_runs where id = $1', [
    runId,
  ]);
  const text = row?.['parts'];
  // Written from parts.
  return typeof text === 'string' ? (JSON.parse(text) as readonly RunPart[]) : [];
}

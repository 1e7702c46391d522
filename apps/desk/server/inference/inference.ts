// Chat-completions requests of programs as AI runs, each a conversation of its own. A client that repeats a request,
// because its line broke, gets the run that the first attempt started and pays for none twice: by its Idempotency-Key, or
// (the `openai` package sends none) by key and body for ten minutes, where it says that it repeats.

import { createHash, randomUUID } from 'node:crypto';
import type { RunRow, Runs } from '@millrace/ai';
import { MillraceError } from '@millrace/protocol';
import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';
import { asUser, whileActingAs } from '../database/as-user.ts';
import { queries } from '../database/queries.ts';
import type { Log } from '../log.ts';
import { type InferenceQuestion, parseQuestion } from '../run-chat/question.ts';
import { uuidv7 } from '../uuid.ts';

export interface InferenceCall {
  readonly userId: string;
  /** Empty for one that came with a session. */
  readonly apiKeyId: string;
  /** As it was sent. */
  readonly body: string;
  readonly askedFor: string;
  readonly idempotencyKey: string | null;
  /** `X-Stainless-Retry-Count` is 1 or more. */
  readonly isRepeated: boolean;
}

export interface Inference {
  /** @throws MillraceError `request/conflict` for an idempotency key that came with another body */
  start(call: InferenceCall): Promise<RunRow>;
  /** False for one that was over. @throws MillraceError `request/not-found` for one that is no request of that user's */
  stop(userId: string, aiRunId: string): Promise<boolean>;
  /** In the transaction that accepts it. */
  keep(tx: SqlTransaction, run: RunRow, question: InferenceQuestion): Promise<void>;
}

/** Longer than a client tries. */
const REPEATED_WITHIN = '10 minutes';
const KEPT_FOR = '1 day';

interface Pending {
  readonly call: InferenceCall;
  readonly bodyHash: string;
}

export function createInference(options: {
  readonly database: SqlDatabase;
  readonly runs: () => Runs;
  readonly log: Log;
}): Inference {
  const { runs, log } = options;
  /** Requests between being sent and being accepted: their bodies are no part of the run's row. */
  const pending = new Map<string, Pending>();

  return {
    async start(call) {
      const { userId, apiKeyId, idempotencyKey } = call;
      const requestId = uuidv7();
      const bodyHash = hash([call.body]);
      const question: InferenceQuestion = {
        ...{ kind: 'inference', requestId, bodyHash, askedFor: call.askedFor },
      };
      const name =
        idempotencyKey === null ? randomUUID() : hash([userId, apiKeyId, idempotencyKey]);
      pending.set(requestId, { call, bodyHash });
      try {
        const conversationId = `inference-${name}`;
        const { run, isNew } = await runs().start({
          conversationId,
          userId,
          question,
          key: 'once',
        });
        if (isNew) return run;
        const known = parseQuestion(run.question);
        if (known.kind === 'inference' && known.bodyHash === bodyHash) return run;
        throw new MillraceError(
          'request/conflict',
          'This Idempotency-Key came with another body before. Take a new one for a new request.',
        );
      } catch (thrown) {
        const first =
          thrown instanceof MillraceError ? thrown.details?.['firstAttempt'] : undefined;
        const run = typeof first === 'string' ? await runs().read(first) : null;
        if (run === null) throw thrown;
        log.info({ tag: 'chat', aiRunId: run.id, userId }, 'repeated request joins its answer');
        return run;
      } finally {
        pending.delete(requestId);
      }
    },
    async stop(userId, aiRunId) {
      const run = await runs().read(aiRunId);
      const isTheirs = run?.userId === userId && parseQuestion(run.question).kind === 'inference';
      if (!isTheirs) throw new MillraceError('request/not-found', 'There is no such answer.');
      return (await runs().stop(run.id, userId)) !== null;
    },
    async keep(tx, run, { requestId }) {
      const asked = pending.get(requestId);
      if (asked === undefined) throw new Error('a request has no body');
      const { call, bodyHash } = asked;
      const { userId, apiKeyId, body, isRepeated } = call;
      await whileActingAs(tx, userId, async () => {
        // The first attempt may be on its way in at this moment.
        await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 13))', [
          JSON.stringify([userId, apiKeyId, bodyHash]),
        ]);
        if (isRepeated) await refuseSecond(tx, { userId, apiKeyId, bodyHash });
        await tx.query(
          `delete from desk.inference_requests where created_at < now() - interval '${KEPT_FOR}'`,
        );
        await queries(tx)
          .insertInto('inference_requests')
          .values({
            ...{ id: requestId, user_id: userId, api_key_id: apiKeyId },
            ...{ body_hash: bodyHash, body, ai_run_id: run.id },
          })
          .execute();
      });
    },
  };
}

/** @throws MillraceError whose `details.firstAttempt` is the run to join */
async function refuseSecond(
  tx: SqlTransaction,
  of: { readonly userId: string; readonly apiKeyId: string; readonly bodyHash: string },
): Promise<void> {
  const [known] = await tx.query(
    `select ai_run_id from desk.inference_requests
      where user_id = $1 and api_key_id = $2 and body_hash = $3
        and created_at > now() - interval '${REPEATED_WITHIN}'
      order by number desc limit 1`,
    [of.userId, of.apiKeyId, of.bodyHash],
  );
  if (known === undefined) return;
  throw new MillraceError('request/conflict', 'The first attempt is being answered.', {
    details: { firstAttempt: String(known['ai_run_id']) },
  });
}

/** Of a request of that user. @throws where it is not kept any more */
export async function readBodyOf(
  database: SqlDatabase,
  userId: string,
  requestId: string,
): Promise<unknown> {
  const row = await asUser(database, userId, (tx) =>
    queries(tx)
      .selectFrom('inference_requests')
      .select('body')
      .where('id', '=', requestId)
      .executeTakeFirst(),
  );
  if (row === undefined) throw new MillraceError('request/not-found', 'The request is gone.');
  return row.body;
}

function hash(words: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(words)).digest('base64url');
}

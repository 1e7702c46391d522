// Tickets for a native `EventSource`, which can send no header: in its address, for one question about one run, and for
// a minute. One that has started an answer joins that one from then on, and starts nothing more. A hash is kept.

import { MillraceError } from '@millrace/protocol';
import type { SqlDatabase } from '@millrace/server/postgres';
import type { TicketAnswer } from '../../shared/chat-api.ts';
import { asUser } from '../database/as-user.ts';
import { queries } from '../database/queries.ts';
import { asHolder, hashOf, makeSecret } from '../secrets/secret-hash.ts';

export interface TicketFor {
  readonly userId: string;
  readonly modelId: string;
  readonly runId: string;
}

export interface Ticket extends TicketFor {
  readonly hash: string;
  /** What it has started; null before. */
  readonly aiRunId: string | null;
}

export interface Tickets {
  create(isFor: TicketFor): Promise<TicketAnswer>;
  /** @throws MillraceError `auth/invalid`, `auth/expired` */
  find(ticket: string): Promise<Ticket>;
  /** From now on it joins this answer. The first one counts. */
  bind(ticket: Ticket, aiRunId: string): Promise<void>;
}

/** To be used for the first time. */
const LIFE_MS = 60_000;
/** To come back to what it started, after a broken line. */
const JOINS_FOR = '1 hour';
const KEPT_FOR = '1 day';
/** Of a user. Past it: the oldest makes room. */
const MOST_UNUSED = 100;

export function createTickets(database: SqlDatabase): Tickets {
  return {
    async create({ userId, modelId, runId }) {
      const ticket = makeSecret('mt_');
      const expiresAt = new Date(Date.now() + LIFE_MS);
      await asUser(database, userId, async (tx) => {
        await tx.query(
          `delete from desk.tickets where expires_at < now() - interval '${KEPT_FOR}'
            or hash in (
              select hash from desk.tickets where ai_run_id is null order by expires_at desc offset ${MOST_UNUSED - 1}
            )`,
        );
        await queries(tx)
          .insertInto('tickets')
          .values({
            ...{ hash: hashOf(ticket), user_id: userId, model_id: modelId, run_id: runId },
            expires_at: expiresAt,
          })
          .execute();
      });
      return { ticket, expiresAt: expiresAt.toISOString() };
    },
    async find(ticket) {
      const hash = hashOf(ticket);
      const row = await asHolder(database, hash, (tx) =>
        queries(tx)
          .selectFrom('tickets')
          .select(['user_id', 'model_id', 'run_id', 'expires_at', 'ai_run_id'])
          .where('hash', '=', hash)
          .executeTakeFirst(),
      );
      if (row === undefined) {
        throw new MillraceError('auth/invalid', 'The ticket is unknown. Get another one.');
      }
      if (row.expires_at.getTime() < Date.now()) {
        throw new MillraceError('auth/expired', 'The ticket’s time is over. Get another one.');
      }
      return {
        ...{ hash, userId: row.user_id, modelId: row.model_id, runId: row.run_id },
        aiRunId: row.ai_run_id,
      };
    },
    async bind({ hash, userId }, aiRunId) {
      await asUser(database, userId, (tx) =>
        tx.query(
          `update desk.tickets set ai_run_id = $2, expires_at = now() + interval '${JOINS_FOR}'
            where hash = $1 and ai_run_id is null`,
          [hash, aiRunId],
        ),
      );
    },
  };
}

// Keys with which a user's programs call (`Authorization: Bearer mr_…`). Of a key a hash is kept: it is told once, when
// it is made. Revoking counts at once.

import { MillraceError } from '@millrace/protocol';
import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';
import type { User } from '../../shared/api.ts';
import type { ApiKeyInfo, NewApiKeyAnswer } from '../../shared/chat-api.ts';
import { asUser } from '../database/as-user.ts';
import { queries } from '../database/queries.ts';
import { asHolder, hashOf, makeSecret } from '../secrets/secret-hash.ts';
import { uuidv7 } from '../uuid.ts';

export interface ApiKeys {
  /** Newest first, revoked ones too. */
  list(userId: string): Promise<readonly ApiKeyInfo[]>;
  create(userId: string, name: string): Promise<NewApiKeyAnswer>;
  /** Idempotent. @throws MillraceError `request/not-found` */
  revoke(userId: string, id: string): Promise<void>;
  /** Who calls with this key; never an administrator. @throws MillraceError `auth/invalid` */
  verify(key: string): Promise<{ readonly user: User; readonly apiKeyId: string }>;
}

export const API_KEY_PREFIX = 'mr_';
const MOST = 100;
const USED_EVERY = '1 minute';
const COLUMNS = [
  ...(['id', 'name', 'prefix', 'created_at', 'last_used_at', 'revoked_at'] as const),
];
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

export function isApiKey(authorization: string | undefined): boolean {
  return /^Bearer +mr_/i.test(authorization ?? '');
}

export function createApiKeys(database: SqlDatabase): ApiKeys {
  return {
    list: (userId) =>
      asUser(database, userId, async (tx) => {
        const rows = await queries(tx)
          .selectFrom('api_keys')
          .select(COLUMNS)
          .orderBy('number', 'desc')
          .limit(MOST)
          .execute();
        return rows.map(toInfo);
      }),
    create: (userId, name) =>
      asUser(database, userId, async (tx) => {
        const db = queries(tx);
        const { count } = await db
          .selectFrom('api_keys')
          .select((with_) => with_.fn.countAll().as('count'))
          .executeTakeFirstOrThrow();
        // Who changes keys every week must not stand before a full list of revoked ones: the oldest makes room.
        if (Number(count) >= MOST && !(await forgetRevoked(tx))) {
          const message = `A user has ${MOST} keys at most. Revoke one first.`;
          throw new MillraceError('request/invalid', message);
        }
        const key = makeSecret(API_KEY_PREFIX);
        const row = await db
          .insertInto('api_keys')
          .values({
            ...{ id: uuidv7(), user_id: userId, name },
            ...{ hash: hashOf(key), prefix: key.slice(0, API_KEY_PREFIX.length + 6) },
          })
          .returning(COLUMNS)
          .executeTakeFirstOrThrow();
        return { ...toInfo(row), key };
      }),
    async revoke(userId, id) {
      const row = !UUID.test(id)
        ? undefined
        : await asUser(database, userId, (tx) =>
            queries(tx)
              .updateTable('api_keys')
              .set((with_) => ({
                revoked_at: with_.fn.coalesce('revoked_at', with_.val(new Date())),
              }))
              .where('id', '=', id)
              .returning('id')
              .executeTakeFirst(),
          );
      if (row === undefined) throw new MillraceError('request/not-found', 'There is no such key.');
    },
    async verify(key) {
      const hash = hashOf(key);
      const row = await asHolder(database, hash, (tx) =>
        queries(tx)
          .selectFrom('api_keys')
          .select(['id', 'user_id', 'revoked_at'])
          .where('hash', '=', hash)
          .executeTakeFirst(),
      );
      if (row === undefined || row.revoked_at !== null) {
        throw new MillraceError('auth/invalid', 'The key is unknown or revoked. Make another one.');
      }
      const { id: apiKeyId, user_id: userId } = row;
      await asUser(database, userId, (tx) =>
        tx.query(
          `update desk.api_keys set last_used_at = now() where id = $1
            and (last_used_at is null or last_used_at < now() - interval '${USED_EVERY}')`,
          [apiKeyId],
        ),
      );
      const user = await queries(database)
        .selectFrom('users')
        .select('name')
        .where('id', '=', userId)
        .executeTakeFirst();
      return { user: { id: userId, name: user?.name ?? userId, isAdmin: false }, apiKeyId };
    },
  };
}

/** The user's oldest revoked key. False where none is revoked. */
async function forgetRevoked(tx: SqlTransaction): Promise<boolean> {
  const rows = await tx.query(
    `delete from desk.api_keys where id = (
      select id from desk.api_keys where revoked_at is not null order by number limit 1) returning id`,
  );
  return rows.length > 0;
}

function toInfo(row: {
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly created_at: Date;
  readonly last_used_at: Date | null;
  readonly revoked_at: Date | null;
}): ApiKeyInfo {
  const { id, name, prefix } = row;
  return {
    ...{ id, name, prefix },
    createdAt: row.created_at.toISOString(),
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
    revokedAt: row.revoked_at?.toISOString() ?? null,
  };
}

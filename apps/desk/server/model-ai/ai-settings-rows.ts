// Each user's AI settings for a model, as rows; their keys sealed. Refuses to own: what they mean (model-ai.ts).
//
// A key is sealed for its user, its model and its base URL: a row that somebody changes, by whatever way, sends it nowhere else.

import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';
import type { AiParameters } from '../../shared/chat-api.ts';
import { asUser } from '../database/as-user.ts';
import { queries } from '../database/queries.ts';
import type { ModelAiSettingsRow } from '../database/tables.ts';
import type { Sealed, Sealing } from '../secrets/sealing.ts';
import { DEFAULT_PARAMETERS, parametersSchema } from './parameters.ts';

export interface AiSettings {
  readonly provider: string;
  readonly baseUrl: string;
  readonly aiModel: string;
  /** Null where what is stored does not parse: by hand, or by a version with other rules. */
  readonly parameters: AiParameters | null;
  readonly sealedKey: SealedKey | null;
}

export interface SealedKey extends Sealed {
  readonly lastFour: string;
}

export interface Of {
  readonly userId: string;
  readonly modelId: string;
}

export async function readAiSettings(
  tx: SqlTransaction,
  { modelId, userId }: Of,
): Promise<AiSettings | null> {
  const row = await queries(tx)
    .selectFrom('model_ai_settings')
    .selectAll()
    .where('model_id', '=', modelId)
    .where('user_id', '=', userId)
    .executeTakeFirst();
  return row === undefined ? null : fromRow(row);
}

export async function writeAiSettings(
  tx: SqlTransaction,
  { modelId, userId }: Of,
  settings: AiSettings,
): Promise<void> {
  const values = {
    provider: settings.provider,
    base_url: settings.baseUrl,
    ai_model: settings.aiModel,
    parameters: JSON.stringify(settings.parameters ?? DEFAULT_PARAMETERS),
    ...columnsOf(settings.sealedKey),
    updated_at: new Date(),
  };
  await queries(tx)
    .insertInto('model_ai_settings')
    .values({ model_id: modelId, user_id: userId, ...values })
    .onConflict((on) => on.columns(['model_id', 'user_id']).doUpdateSet(values))
    .execute();
}

export function sealKey(sealing: Sealing, key: string, of: Of, baseUrl: string): SealedKey {
  return { ...sealing.seal(key, isFor(of, baseUrl)), lastFour: key.slice(-4) };
}

export function openKey(sealing: Sealing, sealed: Sealed, of: Of, baseUrl: string): string {
  return sealing.open(sealed, isFor(of, baseUrl));
}

/**
 * Seals anew what an older key of ENCRYPTION_KEYS had sealed, so that that one can be taken off the list.
 * @returns how many
 */
export async function resealKeys(database: SqlDatabase, sealing: Sealing): Promise<number> {
  let count = 0;
  // User by user: no statement here sees more than one's rows.
  const users = await queries(database).selectFrom('users').select('id').execute();
  for (const { id: userId } of users) {
    count += await asUser(database, userId, async (tx) => {
      const db = queries(tx);
      const rows = await db.selectFrom('model_ai_settings').selectAll().forUpdate().execute();
      let changed = 0;
      for (const row of rows) {
        const { sealedKey, baseUrl } = fromRow(row);
        if (sealedKey === null || !sealing.isOld(sealedKey)) continue;
        const of = { userId, modelId: row.model_id };
        const key = openKey(sealing, sealedKey, of, baseUrl);
        await db
          .updateTable('model_ai_settings')
          .set(columnsOf(sealKey(sealing, key, of, baseUrl)))
          .where('model_id', '=', row.model_id)
          .where('user_id', '=', userId)
          .execute();
        changed += 1;
      }
      return changed;
    });
  }
  return count;
}

function isFor({ userId, modelId }: Of, baseUrl: string): readonly string[] {
  return ['model-ai', userId, modelId, baseUrl];
}

function columnsOf(sealed: SealedKey | null) {
  return {
    key_id: sealed?.keyId ?? null,
    key_nonce: sealed?.nonce ?? null,
    key_ciphertext: sealed?.ciphertext ?? null,
    key_tag: sealed?.tag ?? null,
    key_last_four: sealed?.lastFour ?? null,
  };
}

function fromRow(
  row: {
    readonly [Name in keyof Omit<
      ModelAiSettingsRow,
      'updated_at' | 'parameters'
    >]: ModelAiSettingsRow[Name];
  } & { readonly parameters: unknown },
): AiSettings {
  const { key_id, key_nonce, key_ciphertext, key_tag, key_last_four } = row;
  const isWhole =
    key_id !== null &&
    key_nonce !== null &&
    key_ciphertext !== null &&
    key_tag !== null &&
    key_last_four !== null;
  return {
    provider: row.provider,
    baseUrl: row.base_url,
    aiModel: row.ai_model,
    parameters: parametersSchema.safeParse(row.parameters).data ?? null,
    sealedKey: isWhole
      ? {
          ...{ keyId: key_id, nonce: key_nonce, ciphertext: key_ciphertext },
          ...{ tag: key_tag, lastFour: key_last_four },
        }
      : null,
  };
}

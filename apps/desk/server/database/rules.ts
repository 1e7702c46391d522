// Rules that a person accepts for a model: its next run is checked against them, and one that goes on too where that is
// asked for. The Floor's agents never begin anew, so theirs always hold at once; only administrators change them.

import { MillraceError } from '@millrace/protocol';
import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';
import type { User } from '../../shared/api.ts';
import type { AcceptedRule, RuleChangeAnswer, RulesAnswer } from '../../shared/trading.ts';
import type { TradingRule } from '../market/rule.ts';
import { actAs, actAsServer, asUser, FLOOR_USER_ID } from './as-user.ts';
import { insertCommand } from './market-commands.ts';
import { lockModel, type Model, notFound, requireModel } from './models.ts';
import { queries } from './queries.ts';
import { readRules, toRuleInfo } from './trading-info.ts';

/** Of one model. */
const MOST_RULES = 50;

/** @throws MillraceError `request/not-found` */
export function listRules(
  database: SqlDatabase,
  user: User,
  modelId: string,
): Promise<RulesAnswer> {
  return asUser(database, user.id, async (tx) => {
    await requireModel(tx, modelId);
    return { rules: await acceptedRules(tx, modelId) };
  });
}

/** In the order in which they were accepted: what a run of the model is checked against. */
export async function rulesOf(tx: SqlTransaction, modelId: string): Promise<TradingRule[]> {
  const rows = await queries(tx)
    .selectFrom('rules')
    .select('rule')
    .where('model_id', '=', modelId)
    .orderBy('accepted_at')
    .orderBy('id')
    .execute();
  return readRules(rows.map(({ rule }) => rule));
}

export interface RuleChange {
  readonly modelId: string;
  /** Whether runs that go on are checked against it as well. */
  readonly applyNow: boolean;
}

/**
 * Accepts it, in place of one with the same id.
 * @throws MillraceError `request/not-found`, `auth/denied`, `request/conflict` for one too many
 */
export function acceptRule(
  database: SqlDatabase,
  user: User,
  change: RuleChange & { readonly rule: TradingRule },
): Promise<RuleChangeAnswer> {
  const { modelId, rule } = change;
  return changeRules(database, user, change, async (tx, model) => {
    const db = queries(tx);
    const body = JSON.stringify(rule);
    await db
      .insertInto('rules')
      .values({
        model_id: modelId,
        id: rule.id,
        user_id: model.user_id,
        kind: rule.kind,
        rule: body,
      })
      .onConflict((of) =>
        of.columns(['model_id', 'id']).doUpdateSet({ kind: rule.kind, rule: body }),
      )
      .execute();
    const { count } = await db
      .selectFrom('rules')
      .select((of) => of.fn.countAll<string>().as('count'))
      .where('model_id', '=', modelId)
      .executeTakeFirstOrThrow();
    if (Number(count) <= MOST_RULES) return;
    const message = `The model has ${MOST_RULES} rules, as many as there may be. Remove one first.`;
    throw new MillraceError('request/conflict', message);
  });
}

/** @throws MillraceError `request/not-found`, `auth/denied` */
export function removeRule(
  database: SqlDatabase,
  user: User,
  change: RuleChange & { readonly ruleId: string },
): Promise<RuleChangeAnswer> {
  const { modelId, ruleId } = change;
  return changeRules(database, user, change, async (tx) => {
    const gone = await queries(tx)
      .deleteFrom('rules')
      .where('model_id', '=', modelId)
      .where('id', '=', ruleId)
      .returning('id')
      .execute();
    if (gone.length === 0) throw notFound('rule');
  });
}

function changeRules(
  database: SqlDatabase,
  user: User,
  { modelId, applyNow }: RuleChange,
  work: (tx: SqlTransaction, model: Model) => Promise<void>,
): Promise<RuleChangeAnswer> {
  return database.transaction(async (tx) => {
    await actAs(tx, user.id);
    const { user_id: ownerId, name } = await requireModel(tx, modelId);
    if (ownerId === FLOOR_USER_ID) {
      if (!user.isAdmin) {
        const message = `${name} is the Floor's: administrators choose its rules.`;
        throw new MillraceError('auth/denied', message);
      }
      await actAs(tx, FLOOR_USER_ID);
    }
    // Two changes at once would each apply rules that the other's are missing in.
    const model = await lockModel(tx, modelId);
    await work(tx, model);
    const rules = await acceptedRules(tx, modelId);
    const all = await rulesOf(tx, modelId);
    const isNow = applyNow || ownerId === FLOOR_USER_ID;
    const runs = isNow ? await openRuns(tx, modelId) : [];
    await actAsServer(tx);
    for (const runId of runs) {
      const agentId = ownerId === FLOOR_USER_ID ? modelId : runId;
      const command = { kind: 'set-rules', agentId, rules: all } as const;
      await insertCommand(tx, { ownerId, modelId, command });
    }
    return { rules, appliedTo: runs };
  });
}

async function openRuns(tx: SqlTransaction, modelId: string): Promise<string[]> {
  const rows = await queries(tx)
    .selectFrom('runs')
    .select('id')
    .where('model_id', '=', modelId)
    .where('source', '=', 'market')
    .where('status', '=', 'running')
    .execute();
  return rows.map(({ id }) => id);
}

async function acceptedRules(tx: SqlTransaction, modelId: string): Promise<AcceptedRule[]> {
  const rows = await queries(tx)
    .selectFrom('rules')
    .select(['rule', 'accepted_at'])
    .where('model_id', '=', modelId)
    .orderBy('accepted_at')
    .orderBy('id')
    .execute();
  return rows.flatMap(({ rule, accepted_at }) =>
    readRules([rule]).map((one) => ({
      ...toRuleInfo(one),
      acceptedAt: accepted_at.toISOString(),
    })),
  );
}

// Spec E2, E5: models of people's own, the Floor's to look at, and the rules that are accepted for them.
// Rows are the database's business (database/models.ts, rules.ts); here is what a caller sends and gets.

import { MillraceError } from '@millrace/protocol';
import * as z from 'zod';
import type { User } from '../../../shared/api.ts';
import { runFigures } from '../../../shared/channels.ts';
import type { ModelAnswer, ModelsAnswer, NewModelRequest } from '../../../shared/trading.ts';
import { STRATEGY_KINDS } from '../../agents/strategies/registry.ts';
import {
  createModel,
  deleteModel,
  listModels,
  readModel,
  renameModel,
} from '../../database/models.ts';
import { acceptRule, listRules, removeRule } from '../../database/rules.ts';
import { dollars } from '../../market/money.ts';
import { tradingRuleSchema } from '../../market/rule.ts';
import { uuidv7 } from '../../uuid.ts';
import { readFlag, readJson } from '../read-query.ts';
import type { AddRoute, DeskContext } from '../routes.ts';
import type { Services } from '../services.ts';

// Control characters would let a name rewrite a log line or a page's layout.
const name = z
  .string()
  .trim()
  .min(1)
  .max(60)
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u, 'has characters that cannot be shown');

const newModelSchema: z.ZodType<NewModelRequest> = z.object({
  name,
  strategy: z.enum(STRATEGY_KINDS),
  startingCash: z.number().min(1_000).max(1_000_000).optional(),
});

/** The id of a rule may be left out: it gets one. */
const acceptSchema = z.object({
  rule: z
    .unknown()
    .transform((rule): unknown =>
      typeof rule === 'object' ? { id: `rule-${uuidv7().slice(-12)}`, ...rule } : rule,
    )
    .pipe(tradingRuleSchema),
  applyNow: z.boolean().default(false),
});

/** Who asks, on a route that takes nobody. @throws MillraceError `auth/required` */
export function userOf(c: DeskContext): User {
  const { user } = c.get('who');
  if (user === null) throw new MillraceError('auth/required', 'Sign in first.');
  return user;
}

/** A part of the path; one that isn't there is no route's. */
export function paramOf(c: DeskContext, part: 'modelId' | 'runId' | 'ruleId'): string {
  return c.req.param(part) ?? '';
}

type Needed = Pick<Services, 'sql' | 'hub' | 'log' | 'runChat'>;

export function addModelRoutes(add: AddRoute, { sql, hub, log, runChat }: Needed): void {
  add('GET /api/models', async (c) => {
    c.header('Cache-Control', 'no-store');
    const answer: ModelsAnswer = { models: await listModels(sql, userOf(c)) };
    return c.json(answer);
  });

  add('POST /api/models', async (c) => {
    const { startingCash = 100_000, ...wanted } = await readJson(c, newModelSchema);
    const user = userOf(c);
    const model = await createModel(sql, user, { ...wanted, startingCash: dollars(startingCash) });
    log.info({ userId: user.id, modelId: model.id }, 'model made');
    const answer: ModelAnswer = { model };
    return c.json(answer, 201);
  });

  add('GET /api/models/:modelId', async (c) => {
    c.header('Cache-Control', 'no-store');
    const answer: ModelAnswer = { model: await readModel(sql, userOf(c), paramOf(c, 'modelId')) };
    return c.json(answer);
  });

  add('PATCH /api/models/:modelId', async (c) => {
    const modelId = paramOf(c, 'modelId');
    const user = userOf(c);
    await readModel(sql, user, modelId);
    const wanted = await readJson(c, z.object({ name }));
    const answer: ModelAnswer = { model: await renameModel(sql, user, { modelId, ...wanted }) };
    return c.json(answer);
  });

  add('DELETE /api/models/:modelId', async (c) => {
    const modelId = paramOf(c, 'modelId');
    const user = userOf(c);
    // The rows of its chats would go with it, but not their answers, which may be under way, nor their channels.
    const { owner } = await readModel(sql, user, modelId);
    if (owner === 'you') await runChat.eraseAbout(user.id, modelId);
    for (const runId of await deleteModel(sql, user, modelId)) {
      // The rows are gone, so nobody may read the channel any more; a failure here leaves it to its age.
      await hub
        .forget(runFigures.of({ runId }))
        .catch((err: unknown) => log.warn({ err, runId }, "a run's channel could not be erased"));
    }
    log.info({ userId: user.id, modelId }, 'model deleted');
    return c.body(null, 204);
  });

  add('GET /api/models/:modelId/rules', async (c) => {
    c.header('Cache-Control', 'no-store');
    return c.json(await listRules(sql, userOf(c), paramOf(c, 'modelId')));
  });

  add('POST /api/models/:modelId/rules', async (c) => {
    const modelId = paramOf(c, 'modelId');
    const user = userOf(c);
    // Foreign is 404 before anything else is said.
    await readModel(sql, user, modelId);
    const { rule, applyNow } = await readJson(c, acceptSchema);
    const answer = await acceptRule(sql, user, { modelId, rule, applyNow });
    log.info({ userId: user.id, modelId, ruleId: rule.id }, 'rule accepted');
    return c.json(answer, 201);
  });

  add('DELETE /api/models/:modelId/rules/:ruleId', async (c) => {
    const [modelId, ruleId] = [paramOf(c, 'modelId'), paramOf(c, 'ruleId')];
    const user = userOf(c);
    const applyNow = readFlag(c, 'applyNow');
    const answer = await removeRule(sql, user, { modelId, ruleId, applyNow });
    log.info({ userId: user.id, modelId, ruleId }, 'rule removed');
    return c.json(answer);
  });
}

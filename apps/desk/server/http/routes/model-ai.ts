// A model's AI (spec E4: provider, address, model, parameters, a key that is only ever written, and a test) and the
// instructions that its user keeps on it.

import { MillraceError } from '@millrace/protocol';
import * as z from 'zod';
import type {
  ModelAiAnswer,
  ModelAiRequest,
  ModelAiTestAnswer,
  ModelInstruction,
  ModelInstructionsAnswer,
} from '../../../shared/chat-api.ts';
import { asUser } from '../../database/as-user.ts';
import { parametersSchema } from '../../model-ai/parameters.ts';
import {
  deleteInstruction,
  insertInstruction,
  listInstructions,
} from '../../run-chat/instruction-rows.ts';
import { findQuestion } from '../../run-chat/message-rows.ts';
import { requireSession } from '../../run-chat/session-rows.ts';
import { requireModel } from '../../run-chat/trading-run.ts';
import { createTurnstile } from '../../turnstile.ts';
import { askerOf } from '../asker.ts';
import { readJson } from '../read-query.ts';
import type { AddRoute, DeskContext } from '../routes.ts';
import type { Services } from '../services.ts';

const shown = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u;
const settingsSchema: z.ZodType<ModelAiRequest> = z.strictObject({
  provider: z.string().trim().min(1).max(100).regex(shown).optional(),
  baseUrl: z.string().trim().min(1).max(500).optional(),
  aiModel: z.string().trim().min(1).max(200).regex(shown).optional(),
  parameters: parametersSchema.optional(),
  // It becomes a header.
  key: z
    .string()
    .trim()
    .min(8)
    .max(500)
    .regex(/^[\x21-\x7e]+$/, 'has characters that no key has')
    .nullish(),
});
const instructionSchema = z.object({
  text: z.string().trim().min(1).max(2_000),
  sessionId: z.string().min(1).max(100).nullish(),
  messageId: z.string().min(1).max(100).nullish(),
});
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** On one node: each is a request to wherever its user says, that may take 20 s. */
const TESTS_AT_ONCE = { most: 8, mostOfOne: 2 };

export function addModelAiRoutes(
  add: AddRoute,
  { sql, users, modelAi, log }: Pick<Services, 'sql' | 'users' | 'modelAi' | 'log'>,
): void {
  const turnstile = createTurnstile({ ...TESTS_AT_ONCE, what: 'tests of AI settings' });

  async function modelOf(c: DeskContext): Promise<{ userId: string; modelId: string }> {
    const { id: userId } = await askerOf(c, users);
    const modelId = c.req.param('modelId') ?? '';
    await asUser(sql, userId, (tx) => requireModel(tx, modelId));
    c.header('Cache-Control', 'no-store');
    return { userId, modelId };
  }

  add('GET /api/models/:modelId/ai', async (c) =>
    c.json((await modelAi.show(await modelOf(c))) satisfies ModelAiAnswer),
  );

  add('PUT /api/models/:modelId/ai', async (c) => {
    const of = await modelOf(c);
    const change = await readJson(c, settingsSchema);
    const answer: ModelAiAnswer = await modelAi.save(of, change);
    const { provider, baseUrl, aiModel, hasKey } = answer;
    log.info({ ...of, provider, baseUrl, aiModel, hasKey }, 'AI settings saved');
    return c.json(answer);
  });

  add('POST /api/models/:modelId/ai/test', async (c) => {
    const of = await modelOf(c);
    const left = new AbortController();
    c.env.outgoing.once('close', () => left.abort());
    const test = (): Promise<ModelAiTestAnswer> => modelAi.test(of, left.signal);
    const answer = await turnstile(of.userId, test);
    log.info({ ...of, ...answer }, 'AI settings tested');
    return c.json(answer);
  });

  add('GET /api/models/:modelId/instructions', async (c) => {
    const { userId, modelId } = await modelOf(c);
    const instructions = await asUser(sql, userId, (tx) => listInstructions(tx, modelId));
    return c.json({ instructions } satisfies ModelInstructionsAnswer);
  });

  add('POST /api/models/:modelId/instructions', async (c) => {
    const { userId, modelId } = await modelOf(c);
    const { text, sessionId = null, messageId = null } = await readJson(c, instructionSchema);
    const kept: ModelInstruction = await asUser(sql, userId, async (tx) => {
      if (sessionId !== null) await requireSession(tx, sessionId);
      if (messageId !== null) {
        const by = { messageId };
        const said = sessionId === null ? null : await findQuestion(tx, sessionId, by);
        if (said === null)
          throw new MillraceError('request/not-found', 'There is no such message.');
      }
      return insertInstruction(tx, { userId, modelId, text, sessionId, messageId });
    });
    log.info({ userId, modelId, instructionId: kept.id }, 'instruction kept');
    return c.json(kept, 201);
  });

  add('DELETE /api/models/:modelId/instructions/:id', async (c) => {
    const { userId, modelId } = await modelOf(c);
    const id = c.req.param('id') ?? '';
    const isGone =
      UUID.test(id) && (await asUser(sql, userId, (tx) => deleteInstruction(tx, modelId, id)));
    if (!isGone) throw new MillraceError('request/not-found', 'There is no such instruction.');
    log.info({ userId, modelId, instructionId: id }, 'instruction removed');
    return c.body(null, 204);
  });
}

// A user's keys for programs: list, make (the only time that the key itself is told), revoke.

import * as z from 'zod';
import type { ApiKeysAnswer, NewApiKeyAnswer } from '../../../shared/chat-api.ts';
import { askerOf } from '../asker.ts';
import { readJson } from '../read-query.ts';
import type { AddRoute } from '../routes.ts';
import type { Services } from '../services.ts';

const createSchema = z.object({ name: z.string().trim().min(1).max(80) });

export function addKeyRoutes(
  add: AddRoute,
  { users, apiKeys, log }: Pick<Services, 'users' | 'apiKeys' | 'log'>,
): void {
  add('GET /api/keys', async (c) => {
    const { id: userId } = await askerOf(c, users);
    c.header('Cache-Control', 'no-store');
    return c.json({ keys: await apiKeys.list(userId) } satisfies ApiKeysAnswer);
  });

  add('POST /api/keys', async (c) => {
    const { id: userId } = await askerOf(c, users);
    const { name } = await readJson(c, createSchema);
    const made: NewApiKeyAnswer = await apiKeys.create(userId, name);
    log.info({ userId, keyId: made.id, prefix: made.prefix }, 'key made');
    c.header('Cache-Control', 'no-store');
    return c.json(made, 201);
  });

  add('DELETE /api/keys/:id', async (c) => {
    const { id: userId } = await askerOf(c, users);
    const keyId = c.req.param('id') ?? '';
    await apiKeys.revoke(userId, keyId);
    log.info({ userId, keyId }, 'key revoked');
    return c.body(null, 204);
  });
}

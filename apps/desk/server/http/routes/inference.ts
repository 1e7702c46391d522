// Spec D2: OpenAI's chat-completions format for programs, with a key of Desk's. The unmodified `openai` client works.

import { serveOpenAi } from '@millrace/ai';
import { ANALYST_NAME as BUILT_IN } from '../../analyst/analyst-model.ts';
import { standsFor } from '../../inference/answer-inference.ts';
import { inferenceRequest } from '../../inference/request.ts';
import { askerOf } from '../asker.ts';
import { streamAnswer } from '../raw-answer.ts';
import { parseJson, readJsonText } from '../read-query.ts';
import type { AddRoute, DeskContext } from '../routes.ts';
import type { Services } from '../services.ts';

export function addInferenceRoutes(
  add: AddRoute,
  services: Pick<Services, 'users' | 'runChat' | 'hub' | 'log' | 'modelMap'>,
): void {
  const { users, runChat, hub, log, modelMap } = services;

  async function complete(c: DeskContext, streamsUnlessTold: boolean): Promise<Response> {
    const { id: userId } = await askerOf(c, users);
    const body = await readJsonText(c);
    const request = parseJson(body, inferenceRequest);
    const run = await runChat.inference.start({
      ...{ userId, apiKeyId: c.get('apiKeyId'), body, askedFor: request.model },
      idempotencyKey: c.req.header('idempotency-key') ?? null,
      isRepeated: Number(c.req.header('x-stainless-retry-count') ?? 0) >= 1,
    });
    const isStreamed = request.stream ?? streamsUnlessTold;
    return streamAnswer(c, { log, aiRunId: run.id }, (response) => {
      response.setHeader('x-request-id', run.id);
      return serveOpenAi(hub, response, {
        ...{ runId: run.id, isStreamed },
        createdS: Math.floor(Date.now() / 1_000),
        includesUsage: request.stream_options?.include_usage === true,
        clientTools: new Set((request.tools ?? []).map((tool) => tool.function.name)),
      });
    });
  }

  add('POST /api/v1/chat/completions', (c) => complete(c, false));
  add('POST /api/v1/inference/stream', (c) => complete(c, true));

  // A program that leaves ends nothing: this does, by the id in the answer's X-Generation-Id.
  add('POST /api/v1/runs/:runId/stop', async (c) => {
    const { id: userId } = await askerOf(c, users);
    const isStopped = await runChat.inference.stop(userId, c.req.param('runId') ?? '');
    return c.json({ stopped: isStopped });
  });

  add('GET /api/v1/models', async (c) => {
    await askerOf(c, users);
    const names = new Set([BUILT_IN, ...[...modelMap.keys()].filter((name) => name !== '*')]);
    const data = [...names].map((id) => ({
      ...{ id, object: 'model', created: 1_767_225_600 },
      owned_by: standsFor(id, modelMap) === BUILT_IN ? 'desk' : 'provider',
    }));
    return c.json({ object: 'list', data });
  });
}

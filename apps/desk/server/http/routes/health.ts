// Health for people and for a platform's checks: alive at all, and each part by its name, on the node that answers.

import type { AddRoute } from '../routes.ts';
import type { HealthCheck, Services } from '../services.ts';

/** A part that does not answer within this is not well. */
const PATIENCE_MS = 2_000;

export function addHealthRoutes(
  add: AddRoute,
  { health, node }: Pick<Services, 'health' | 'node'>,
): void {
  const who = node === null ? {} : { node };
  add('GET /health/live', (c) => c.json({ status: 'live', ...who }));

  add('GET /health', async (c) => {
    const checked = await Promise.all(
      Object.entries(health).map(async ([name, check]) => ({ name, problem: await ask(check) })),
    );
    const isReady = checked.every(({ problem }) => problem === null);
    const parts = Object.fromEntries(
      checked.map(({ name, problem }) => [
        name,
        problem === null ? { status: 'ready' } : { status: 'failing', problem },
      ]),
    );
    c.header('Cache-Control', 'no-store');
    return c.json({ status: isReady ? 'ready' : 'failing', ...who, parts }, isReady ? 200 : 503);
  });
}

async function ask(check: HealthCheck): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${PATIENCE_MS} ms`), PATIENCE_MS);
  });
  try {
    return await Promise.race([check(), late]);
  } catch (error) {
    return error instanceof Error ? error.message : 'it failed';
  } finally {
    clearTimeout(timer);
  }
}

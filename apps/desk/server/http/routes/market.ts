// The market for a first paint, and how the real-time part is doing.

import type { AddRoute } from '../routes.ts';
import type { Services } from '../services.ts';

export function addMarketRoutes(
  add: AddRoute,
  { floor, hub }: Pick<Services, 'floor' | 'hub'>,
): void {
  add('GET /api/market', async (c) => {
    c.header('Cache-Control', 'no-store');
    return c.json(await floor.overview());
  });

  add('GET /api/realtime/stats', (c) => {
    c.header('Cache-Control', 'no-store');
    return c.json(hub.stats());
  });
}

// The engine that a run was drawn, with its servers started. Knows all of them; a run knows the seam.

import { testedMemory, testedPglite } from './local.ts';
import { testedPostgres } from './postgres.ts';
import { testedRedis } from './redis.ts';
import { testedCluster } from './redis-cluster.ts';
import { testedSentinel } from './redis-sentinel.ts';
import type { EngineKind, OutageTimes, TestedEngine } from './tested-engine.ts';

export async function startTestedEngine(
  kind: EngineKind,
  nodes: number,
  times: OutageTimes,
): Promise<TestedEngine> {
  switch (kind) {
    case 'memory':
      return testedMemory();
    case 'pglite':
      return testedPglite();
    case 'postgres':
      return testedPostgres(nodes, times);
    case 'redis':
      return testedRedis(nodes, times);
    case 'sentinel':
      return testedSentinel(nodes, times);
    case 'cluster':
      return testedCluster(nodes, times);
  }
}

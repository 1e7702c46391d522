// What a seed stands for: engine, nodes, carriers and the seeds of the rest. Pure.

import type { Carrier } from '@millrace/client';
import { createSeededRandom } from '../support/seeded-random.ts';
import type { EngineKind } from './engines/tested-engine.ts';

export type Carriers = Carrier | 'mixed';

export interface Draw {
  readonly engine: EngineKind;
  readonly nodes: number;
  readonly carriers: Carriers;
}

const engines: readonly EngineKind[] = [
  'memory',
  'pglite',
  'postgres',
  'postgres',
  'redis',
  'sentinel',
  'cluster',
];

const carriers: readonly Carriers[] = ['websocket', 'sse', 'poll', 'mixed', 'mixed'];

/** What is given is not drawn; the rest is the same as without it. */
export function drawRun(seed: number, given: Partial<Draw> = {}): Draw {
  const random = createSeededRandom(seed);
  const drawn = { engine: random.pick(engines), carriers: random.pick(carriers) };
  const postgresNodes = random.between(1, 3);
  const engine = given.engine ?? drawn.engine;
  return {
    engine,
    nodes: given.nodes ?? nodesOf(engine, postgresNodes),
    carriers: given.carriers ?? drawn.carriers,
  };
}

function nodesOf(engine: EngineKind, postgresNodes: number): number {
  if (engine === 'memory' || engine === 'pglite') return 1;
  return engine === 'postgres' ? postgresNodes : 3;
}

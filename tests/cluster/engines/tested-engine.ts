// An engine as the test bed has it: how nodes are told to reach it, and what can go wrong with it. Describes; does
// nothing. An implementation owns its servers and the links between them and the nodes.

import type { SeededRandom } from '../../support/seeded-random.ts';
import type { TcpLink } from '../../support/tcp-link.ts';
import type { EngineWords } from './open.ts';

export type EngineKind = 'memory' | 'pglite' | 'postgres' | 'redis' | 'sentinel' | 'cluster';

/** What it may do to what was acknowledged before. */
export interface Harm {
  /** So many other epochs may be told at most. */
  readonly newEpochs: number;
  /** It may be gone: then another epoch must be told. */
  readonly loses: boolean;
}

export const HARMLESS: Harm = { newEpochs: 0, loses: false };
export const RESTARTED: Harm = { newEpochs: 1, loses: false };
export const LOSES: Harm = { newEpochs: 1, loses: true };

export interface EngineFault {
  readonly label: string;
  readonly harm: Harm;
  /** Resolves when the engine is back, or will be without further help. */
  run(random: SeededRandom): Promise<void>;
}

export interface TestedEngine extends AsyncDisposable {
  readonly kind: EngineKind;
  wordsFor(node: number): EngineWords;
  /** Of each node to everything that the engine is. */
  linksOf(node: number): readonly TcpLink[];
  readonly faults: readonly EngineFault[];
  /** What a killed node takes with it. */
  readonly onNodeKill: Harm;
}

export interface OutageTimes {
  /** How long a server is frozen, ms. */
  readonly freezeMs: readonly [from: number, to: number];
  /** How long a server is away before it starts again, ms. */
  readonly awayMs: readonly [from: number, to: number];
}

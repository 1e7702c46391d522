// The engines that live inside one node: what happens to them is what happens to the node.

import { join } from 'node:path';
import { tempFolder } from '../../support/wait.ts';
import { HARMLESS, LOSES, type TestedEngine } from './tested-engine.ts';

/** A killed node forgets. */
export function testedMemory(): TestedEngine {
  return {
    kind: 'memory',
    wordsFor: () => ({ kind: 'memory' }),
    linksOf: () => [],
    faults: [],
    onNodeKill: LOSES,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** A killed node finds everything again. */
export async function testedPglite(): Promise<TestedEngine> {
  const folder = await tempFolder();
  return {
    kind: 'pglite',
    wordsFor: () => ({ kind: 'pglite', folder: join(folder.path, 'db') }),
    linksOf: () => [],
    faults: [],
    onNodeKill: HARMLESS,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

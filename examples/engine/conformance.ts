// The conformance cases on an engine of one's own, with Node's test runner: node --test examples/engine/conformance.ts

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type EngineSubject, engineCases, runEngineCase } from '@millrace/server/testing';
import { sqliteEngine } from './sqlite-engine.ts';

/** Each case gets a file of its own, which goes with it. */
async function openSubject(): Promise<EngineSubject> {
  const folder = await mkdtemp(join(tmpdir(), 'engine-'));
  return {
    engine: sqliteEngine({ file: join(folder, 'log.sqlite') }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

for (const one of engineCases) {
  void test(`${one.rule}: ${one.title}`, async (context) => {
    const skipped = await runEngineCase(one, openSubject);
    if (skipped !== null) context.skip(skipped);
  });
}

// A market that the five agents have traded in, kept by the real store in an embedded database: what tests of records,
// tools and answers look at. The same seed gives the same trades on any machine.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStorage } from '../database-storage.ts';
import { createJournal } from '../floor/journal.ts';
import { openMarket } from '../floor/open-market.ts';
import { SILENT_LOG } from '../log.ts';
import type { AgentStanding } from '../market/report.ts';
import type { Storage } from '../storage.ts';
import { fillDataFolder } from './data-template.ts';

export interface TradedMarket extends AsyncDisposable {
  readonly storage: Storage;
  /** As the market knew them when it was kept. */
  readonly standings: readonly AgentStanding[];
  close(): Promise<void>;
}

export async function openTradedMarket(options: {
  readonly seed: string;
  readonly days: number;
  readonly ticksPerDay?: number;
}): Promise<TradedMarket> {
  const { seed, days, ticksPerDay = 200 } = options;
  const folder = await mkdtemp(join(tmpdir(), 'desk-traded-'));
  await fillDataFolder(folder);
  const storage = await openStorage(folder);
  const opened = openMarket(null, {
    ...{ setup: { seed, ticksPerDay }, toldTick: 0, log: SILENT_LOG },
    warmUpTicks: days * ticksPerDay,
  });
  await createJournal(opened, storage.market, 0).save();
  const close = async (): Promise<void> => {
    await storage.close();
    await rm(folder, { recursive: true, force: true });
  };
  return {
    storage,
    standings: opened.market.standings(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

// Spec E2, E5: runs of models: begun and ended in the live market, read, and made from CSV.

import { MillraceError } from '@millrace/protocol';
import type { RunChangeAnswer, RunsAnswer } from '../../../shared/trading.ts';
import { STRATEGIES } from '../../agents/strategies/registry.ts';
import { readEquity } from '../../database/equity-curve.ts';
import { keepImportedRun, keepReplayedRun } from '../../database/finished-run.ts';
import { endRun, listRuns, readBeginning, readRun, startRun } from '../../database/runs.ts';
import { strategyOf } from '../../database/trading-info.ts';
import { inSlices } from '../../in-slices.ts';
import { describeProblems, type InvalidCsv } from '../../market/csv.ts';
import { importRun } from '../../market/imported-run.ts';
import { parsePrices } from '../../market/price-csv.ts';
import { replayRun } from '../../market/replayed-run.ts';
import { parseTrades } from '../../market/trade-csv.ts';
import { createTurnstile } from '../../turnstile.ts';
import { readCsv, readWhole } from '../read-query.ts';
import type { AddRoute } from '../routes.ts';
import type { Services } from '../services.ts';
import { paramOf, userOf } from './models.ts';

/** Bars of all symbols together: four ticks each. A replay of so many takes some seconds, in slices. */
const MOST_BARS = 20_000;
/** Each of them is a part of every tick, and a tick is one step. */
const MOST_SYMBOLS = 100;
/** Replays and imports that one node works on: each in slices, and so others wait for their turns a little longer. */
const AT_ONCE = 2;

type Needed = Pick<Services, 'sql' | 'settings' | 'floor' | 'log'>;

export function addModelRunRoutes(add: AddRoute, services: Needed): void {
  const { sql, settings, floor, log } = services;
  const turnstile = createTurnstile({ most: AT_ONCE, what: 'imports' });

  add('GET /api/models/:modelId/runs', async (c) => {
    c.header('Cache-Control', 'no-store');
    const answer: RunsAnswer = { runs: await listRuns(sql, userOf(c), paramOf(c, 'modelId')) };
    return c.json(answer);
  });

  add('POST /api/models/:modelId/runs', async (c) => {
    const [user, modelId] = [userOf(c), paramOf(c, 'modelId')];
    const limits = { perUser: settings.MARKET_RUNS_PER_USER, all: settings.MARKET_RUNS };
    const clock = await floor.clock();
    const run = await startRun(sql, user, { modelId, clock, limits });
    log.info({ userId: user.id, modelId, runId: run.id }, 'run begun');
    const answer: RunChangeAnswer = { run };
    return c.json(answer, 201);
  });

  add('POST /api/models/:modelId/runs/import', async (c) => {
    const [user, modelId] = [userOf(c), paramOf(c, 'modelId')];
    const { startingCash } = await readBeginning(sql, user, modelId);
    const text = await readCsv(c, 'POST /api/models/:modelId/runs/import');
    const made = await turnstile(user.id, async () => {
      const parsed = accept(await inSlices(parseTrades(text)));
      const imported = accept(await inSlices(importRun(parsed.trades, startingCash)));
      return keepImportedRun(sql, user, { modelId, run: imported });
    });
    log.info({ userId: user.id, modelId, runId: made.id, fills: made.fills }, 'run imported');
    const answer: RunChangeAnswer = { run: made };
    return c.json(answer, 201);
  });

  add('POST /api/models/:modelId/runs/replay', async (c) => {
    const [user, modelId] = [userOf(c), paramOf(c, 'modelId')];
    const { model, startingCash, rules } = await readBeginning(sql, user, modelId);
    const text = await readCsv(c, 'POST /api/models/:modelId/runs/replay');
    const made = await turnstile(user.id, async () => {
      const { bars } = accept(await inSlices(parsePrices(text, MOST_BARS)));
      const symbols = new Set(bars.map(({ symbol }) => symbol)).size;
      if (symbols > MOST_SYMBOLS) {
        const message = `${symbols} symbols are more than the ${MOST_SYMBOLS} that are played at once.`;
        throw new MillraceError('request/invalid', message);
      }
      const run = await inSlices(
        replayRun({
          ...{ bars, rules, strategies: STRATEGIES, cash: startingCash },
          strategy: strategyOf(model),
          // Its own, so that it can be told again: the same prices, the same run.
          seed: 'replay',
        }),
      );
      return keepReplayedRun(sql, user, { modelId, run });
    });
    log.info({ userId: user.id, modelId, runId: made.id, ticks: made.lastTick }, 'run replayed');
    const answer: RunChangeAnswer = { run: made };
    return c.json(answer, 201);
  });

  add('GET /api/models/:modelId/runs/:runId', async (c) => {
    c.header('Cache-Control', 'no-store');
    const place = { modelId: paramOf(c, 'modelId'), runId: paramOf(c, 'runId') };
    return c.json(await readRun(sql, userOf(c), place));
  });

  add('GET /api/models/:modelId/runs/:runId/equity', async (c) => {
    c.header('Cache-Control', 'no-store');
    const place = { modelId: paramOf(c, 'modelId'), runId: paramOf(c, 'runId') };
    const most = readWhole(c, 'points', { least: 10, most: 5_000, fallback: 500 });
    return c.json(await readEquity(sql, userOf(c), { ...place, most }));
  });

  add('POST /api/models/:modelId/runs/:runId/end', async (c) => {
    const user = userOf(c);
    const place = { modelId: paramOf(c, 'modelId'), runId: paramOf(c, 'runId') };
    const run = await endRun(sql, user, place);
    log.info({ userId: user.id, ...place, status: run.status }, 'run asked to end');
    const answer: RunChangeAnswer = { run };
    return c.json(answer, run.status === 'completed' ? 200 : 202);
  });
}

/** @throws MillraceError `request/invalid` with what is wrong, line by line */
function accept<Fine extends { readonly kind: string }>(read: Fine | InvalidCsv): Fine {
  if (!isInvalid(read)) return read;
  throw new MillraceError('request/invalid', describeProblems(read), {
    details: { lines: read.problems.map(({ line }) => line) },
  });
}

function isInvalid(read: { readonly kind: string }): read is InvalidCsv {
  return read.kind === 'invalid';
}

// PLACEHOLDER until the analyst's own is merged.
import type { SqlDatabase } from '@millrace/server/postgres';
import type { LanguageModel } from 'ai';
import { databaseRecords } from '../run-record/record-source.ts';
import { tradingTools } from '../trading-tools/trading-tools.ts';
import type { Analyst } from './analyst.ts';

export function createAnalyst(database: SqlDatabase): Analyst {
  const refuse = (): never => {
    throw new Error('There is no analyst yet.');
  };
  const model: LanguageModel = {
    specificationVersion: 'v4',
    provider: 'desk',
    modelId: 'built-in-analyst',
    supportedUrls: {},
    doGenerate: refuse,
    doStream: refuse,
  };
  return {
    model,
    tools: ({ userId, modelId, runId }) =>
      tradingTools(
        databaseRecords(database, {
          userId,
          focus: modelId === null ? null : { modelId, runId: runId ?? 'latest' },
        }),
      ),
  };
}

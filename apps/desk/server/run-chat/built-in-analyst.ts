// The built-in analyst of Desk: its model, and the trading tools with the rights of who asks.

import type { SqlDatabase } from '@millrace/server/postgres';
import { analystModel } from '../analyst/analyst-model.ts';
import { databaseRecords } from '../run-record/record-source.ts';
import { tradingTools } from '../trading-tools/trading-tools.ts';
import type { Analyst } from './analyst.ts';

export function createAnalyst(database: SqlDatabase): Analyst {
  return {
    model: analystModel(),
    tools: ({ userId, modelId, runId }) =>
      tradingTools(
        databaseRecords(database, {
          userId,
          focus: modelId === null ? null : { modelId, runId: runId ?? 'latest' },
        }),
      ),
  };
}

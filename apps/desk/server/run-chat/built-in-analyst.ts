// The analyst that Desk comes with: rule-based, on the records that the asking user may see.

import type { SqlDatabase } from '@millrace/server/postgres';
import { analystModel } from '../analyst/analyst-model.ts';
import { databaseRecords } from '../run-record/record-source.ts';
import { tradingTools } from '../trading-tools/trading-tools.ts';
import type { Analyst } from './analyst.ts';

export function builtInAnalyst(database: SqlDatabase): Analyst {
  return {
    model: analystModel(),
    tools({ userId, modelId, runId }) {
      const focus = modelId === null ? null : { modelId, runId: runId ?? 'latest' };
      return tradingTools(databaseRecords(database, { userId, focus }));
    },
  };
}

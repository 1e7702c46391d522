// The tools with which a model looks at trading runs (spec E3): what it may ask, and with whose rights it is read.
// Reckoning is beside it, one file a tool. Each answers `{text, data}`: a text for any reader, and the same as figures
// (results.ts). What can't be answered is an error whose message says what to ask instead.
import { type ToolSet, tool } from 'ai';
import * as z from 'zod';
import { misuse } from '../market/misuse.ts';
import type { RecordSource } from '../run-record/record-source.ts';
import type { RunRecord, RunSummary } from '../run-record/run-record.ts';
import { analyzeTrades } from './analyze-trades.ts';
import { calculateMetrics, METRIC_TYPES } from './calculate-metrics.ts';
import { compareRuns, listRuns } from './compare-runs.ts';
import { CRITERIA_HELP, FILTER_TYPES } from './criteria.ts';
import { suggestRules } from './suggest-rules.ts';

/** Names, for whoever gives a run its tools: none of them changes anything, so each may be called again. */
export const TRADING_TOOL_NAMES = [
  'analyze_trades',
  'calculate_metrics',
  'suggest_rules',
  'compare_runs',
  'list_runs',
] as const;

const MAX_COMPARED = 6;
const MAX_LISTED = 50;

/** @param source read in each call, so with the rights that the user has at that moment */
export function tradingTools(source: RecordSource): ToolSet {
  return {
    analyze_trades: tool({
      description:
        'Closed trades of the chosen trading run: counts, win rate, average win and loss, fees, streaks, patterns by hour, ' +
        'symbol and action, the best and worst trades with their ids and reasons, the newest orders and open positions.',
      inputSchema: z.object({
        filter_type: z
          .enum(FILTER_TYPES)
          .describe('Which trades: all, or those that criteria picks'),
        criteria: z.string().max(200).optional().describe(CRITERIA_HELP),
      }),
      async execute({ filter_type, criteria }) {
        return analyzeTrades(await chosen(source), filter_type, criteria ?? null);
      },
    }),
    calculate_metrics: tool({
      description:
        'Returns, volatility, maximum drawdown with its time, exposure, Sharpe and Sortino ratios of the chosen trading run.',
      inputSchema: z.object({ metric_type: z.enum(METRIC_TYPES) }),
      async execute({ metric_type }) {
        return calculateMetrics(await chosen(source), metric_type);
      },
    }),
    suggest_rules: tool({
      description:
        'Trading rules that would have helped the chosen run with a problem, with their parameters and what they would ' +
        'have saved. The user can accept them, so that the next run enforces them.',
      inputSchema: z.object({
        problem: z
          .string()
          .min(1)
          .max(500)
          .describe('What went wrong, in words: "losses run too long"'),
      }),
      async execute({ problem }) {
        return suggestRules(await chosen(source), problem);
      },
    }),
    compare_runs: tool({
      description:
        'Runs beside each other: return, Sharpe, drawdown, trades, win rate, fees. Numbers are those within the chosen ' +
        'model; with `models`, of each of them. Without numbers: the newest run of each model.',
      inputSchema: z.object({
        runs: z.array(z.int().min(1)).max(MAX_COMPARED).describe('Run numbers, such as [3, 5]'),
        models: z
          .array(z.string().max(100))
          .max(MAX_COMPARED)
          .optional()
          .describe('Names of models'),
      }),
      async execute({ runs, models = [] }) {
        return compare(source, runs, models);
      },
    }),
    list_runs: tool({
      description: 'The models and trading runs that there are, newest first, with their returns.',
      inputSchema: z.object({}),
      async execute() {
        const found = await source.list(MAX_LISTED + 1);
        return listRuns(found.slice(0, MAX_LISTED), {
          focusId: focusOf(source, found)?.id ?? null,
          isCut: found.length > MAX_LISTED,
        });
      },
    }),
  };
}

async function chosen(source: RecordSource): Promise<RunRecord> {
  const { focus } = source;
  if (focus === null) {
    throw misuse(
      'No run is chosen in this conversation. Use list_runs or compare_runs, or ask the user to open a run.',
    );
  }
  const record = await source.read(focus);
  if (record === null) throw misuse('The chosen run is not there any more, or not the user’s.');
  return record;
}

async function compare(
  source: RecordSource,
  numbers: readonly number[],
  names: readonly string[],
): Promise<ReturnType<typeof compareRuns>> {
  const all = await source.list(1_000);
  const models = [...Map.groupBy(all, ({ modelId }) => modelId).entries()];
  const named = names.map((name) => ({ name, id: modelNamed(all, name) }));
  const unknown = named.filter(({ id }) => id === null).map(({ name }) => name);
  const focusModel = source.focus?.modelId ?? null;
  const wantedModels =
    names.length > 0
      ? named.flatMap(({ id }) => (id === null ? [] : [id]))
      : numbers.length > 0 && focusModel !== null
        ? [focusModel]
        : models.map(([id]) => id);
  const missing = [...unknown];
  const wanted: RunSummary[] = [];
  for (const id of wantedModels) {
    const runs = all.filter(({ modelId }) => modelId === id);
    const newest = runs.toSorted((one, other) => other.number - one.number)[0];
    if (numbers.length === 0 && newest !== undefined) wanted.push(newest);
    for (const number of numbers) {
      const found = runs.find((run) => run.number === number);
      if (found !== undefined) wanted.push(found);
      else if (names.length > 0 || focusModel !== null) missing.push(`run ${number}`);
    }
  }
  const records: RunRecord[] = [];
  for (const { modelId, id } of wanted.slice(0, MAX_COMPARED)) {
    const record = await source.read({ modelId, runId: id });
    if (record !== null) records.push(record);
  }
  if (records.length === 0) {
    throw misuse('None of these runs is there. Use list_runs to see which there are.');
  }
  return compareRuns(records, missing);
}

/** By id, by name, or by a part of a name that only one has. */
function modelNamed(all: readonly RunSummary[], wanted: string): string | null {
  const key = wanted.toLowerCase().trim();
  const exact = all.find(
    ({ modelId, modelName }) => modelId === wanted || modelName.toLowerCase() === key,
  );
  if (exact !== undefined) return exact.modelId;
  const parts = new Set(
    all
      .filter(
        ({ modelName, strategy }) =>
          modelName.toLowerCase().includes(key) || strategy.toLowerCase() === key,
      )
      .map(({ modelId }) => modelId),
  );
  const [only] = parts;
  return parts.size === 1 && only !== undefined ? only : null;
}

function focusOf(source: RecordSource, runs: readonly RunSummary[]): RunSummary | undefined {
  const { focus } = source;
  if (focus === null) return undefined;
  return focus.runId === 'latest'
    ? runs.find(({ modelId }) => modelId === focus.modelId)
    : runs.find(({ id }) => id === focus.runId);
}

// Public entry of @millrace/protocol/runs: the channel of an AI run, and what its events make of it.

export { aiRuns } from './ai-runs.ts';
export { foldRun, type RunEvent } from './fold-run.ts';
export { type RunWrite, replayRun } from './replay-run.ts';
export type { RunEventData, RunEventSchemas } from './run-events.ts';
export {
  type DataPart,
  EMPTY_RUN,
  type FilePart,
  type FinalStatus,
  type FinishReason,
  isFinalStatus,
  type Json,
  type ProviderNote,
  type RunPart,
  type RunState,
  type RunStatus,
  type RunUsage,
  type SourcePart,
  type StepPart,
  type TextPart,
  type ToolPart,
  textOfRun,
} from './run-state.ts';

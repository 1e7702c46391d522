// Public entry of @millrace/protocol/runs: the channels of an AI run and of its conversation, and what their events make
// of them.

export { aiRuns } from './ai-runs.ts';
export {
  type ConversationEvent,
  type ConversationEventData,
  type ConversationRun,
  type ConversationState,
  conversations,
  EMPTY_CONVERSATION,
  foldConversation,
} from './conversations.ts';
export { foldRun, type RunEvent, type RunWrite } from './fold-run.ts';
export { replayParts, replayRun } from './replay-run.ts';
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

// Public entry of @millrace/ai: AI runs that are owned by the server.

export type { RetryRun, StartRun } from './acceptance.ts';
export type { Answering } from './generation.ts';
export { RUN_LIMITS, type RunLimits, type TokenBudget } from './limits.ts';
export type { AgUiOptions, AgUiVersion } from './projections/ag-ui.ts';
export {
  type AgUiContent,
  type AgUiInput,
  type AgUiMessage,
  type AgUiSource,
  type AgUiTool,
  type AgUiToolCall,
  readAgUiInput,
} from './projections/ag-ui-input.ts';
export type { OpenAiOptions } from './projections/openai.ts';
export { type PlainEvent, type PlainEventId, readPlainEventId } from './projections/plain.ts';
export { readToEnd } from './projections/read-to-end.ts';
export { type ServeAgUiOptions, serveAgUi } from './projections/serve-ag-ui.ts';
export {
  type ChatSocket,
  type ChatSocketOptions,
  serveChatSocket,
} from './projections/serve-chat-socket.ts';
export { type ServeOpenAiOptions, serveOpenAi } from './projections/serve-openai.ts';
export { type ServePlainOptions, servePlainRun } from './projections/serve-plain.ts';
export { serveUiStream, type UiStreamOptions } from './projections/serve-ui-stream.ts';
export type { UiVersion } from './projections/ui-stream.ts';
export { createRuns, type Runs, type RunsOptions, type Started } from './runs.ts';
export type { RunRow } from './store/run-row.ts';
export type { Overlap } from './store/run-store.ts';
export type { TextModel } from './text-model.ts';
export type { CallKey } from './tools.ts';

// Public entry of @millrace/ai/testing: a model provider that answers, and breaks, as it is told.

export type { ModelAnswer, ModelFault, ModelToolCall, ModelUsage } from './model-answer.ts';
export {
  createModelServer,
  type ModelLineEnd,
  type ModelRequest,
  type ModelServer,
  type ModelServerOptions,
} from './model-server.ts';

// The AI SDK's model of version 4, as far as the analyst speaks it: types taken from `ai`, which names them no other way.
import type { LanguageModel } from 'ai';

export type Model = Extract<LanguageModel, { readonly specificationVersion: 'v4' }>;
export type CallOptions = Parameters<Model['doStream']>[0];
export type Prompt = CallOptions['prompt'];
export type StreamResult = Awaited<ReturnType<Model['doStream']>>;
export type GenerateResult = Awaited<ReturnType<Model['doGenerate']>>;
export type StreamPart = StreamResult['stream'] extends ReadableStream<infer Part> ? Part : never;
export type FinishReason = Extract<StreamPart, { type: 'finish' }>['finishReason'];
export type Usage = Extract<StreamPart, { type: 'finish' }>['usage'];
type AnyTool = NonNullable<CallOptions['tools']>[number];
/** Its schema is whatever a client sent. */
export type FunctionTool = Omit<Extract<AnyTool, { type: 'function' }>, 'inputSchema'> & {
  readonly inputSchema: unknown;
};
type ToolMessage = Extract<Prompt[number], { role: 'tool' }>;
export type ToolResultPart = Extract<ToolMessage['content'][number], { type: 'tool-result' }>;

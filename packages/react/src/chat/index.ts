// Public entry of @millrace/react/chat: hooks for conversations and agents' messages.

export type { AgentMessage } from '@millrace/protocol/channels';
export type { MessagesByAgent } from './agent-messages-fold.ts';
export type { UseRealtimeAgentMessagesOptions } from './agent-messages-options.ts';
export type { AgentMessagesStatus, AgentMessagesTransport } from './agent-messages-view.ts';
export type { ChatStreamView } from './chat-stream-store.ts';
export type { OpenAiMessage, StreamingChatView, StreamingMessage } from './streaming-chat-view.ts';
export {
  type AgentChatStream,
  type UseAgentChatStreamOptions,
  useAgentChatStream,
} from './use-agent-chat-stream.ts';
export { type ChatStream, type UseChatStreamOptions, useChatStream } from './use-chat-stream.ts';
export {
  type RealtimeAgentMessages,
  useRealtimeAgentMessages,
} from './use-realtime-agent-messages.ts';
export {
  type StreamingChat,
  type UseStreamingChatOptions,
  useStreamingChat,
} from './use-streaming-chat.ts';

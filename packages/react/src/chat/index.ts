// Public entry of @millrace/react/chat: hooks for conversations and agents' messages.

export type { AgentMessage } from '@millrace/protocol/channels';
export type { MessagesByAgent } from './agent-messages-fold.ts';
export type { UseRealtimeAgentMessagesOptions } from './agent-messages-options.ts';
export type { AgentMessagesStatus, AgentMessagesTransport } from './agent-messages-view.ts';
export type { ChatMessage } from './chat-message.ts';
export type { ChatView } from './chat-store.ts';
export type { ChatStreamView } from './chat-stream-store.ts';
export type { ChatStatus, QueuedQuestion } from './chat-view.ts';
export type { OpenAiMessage, StreamingChatView, StreamingMessage } from './streaming-chat-view.ts';
export {
  type AgentChatStream,
  type UseAgentChatStreamOptions,
  useAgentChatStream,
} from './use-agent-chat-stream.ts';
export { type Chat, type UseChatOptions, useChat } from './use-chat.ts';
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

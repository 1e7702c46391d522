// Public entry of @millrace/react/chat: hooks for conversations and agents' messages.

export type { AgentMessage } from '@millrace/protocol/channels';
export type { MessagesByAgent } from './agent-messages-fold.ts';
export type { UseRealtimeAgentMessagesOptions } from './agent-messages-options.ts';
export type { AgentMessagesStatus, AgentMessagesTransport } from './agent-messages-view.ts';
export {
  type AgentChatStream,
  type UseAgentChatStreamOptions,
  useAgentChatStream,
} from './use-agent-chat-stream.ts';
export {
  type RealtimeAgentMessages,
  useRealtimeAgentMessages,
} from './use-realtime-agent-messages.ts';

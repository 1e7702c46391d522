// Public entry of @millrace/ui: styled, accessible components. Load `@millrace/ui/styles.css` beside it.

export type { Agent } from './agent.ts';
export { AgentChat, type AgentChatProps } from './agent-chat.tsx';
export { AgentRealtimeChat, type AgentRealtimeChatProps } from './agent-realtime-chat.tsx';

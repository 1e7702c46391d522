// What both chats take beside their agents, and how it becomes the hook's options.

import type { RealtimeAgentMessages, UseRealtimeAgentMessagesOptions } from '@millrace/react/chat';
import type { Agent } from './agent.ts';

export interface ChatFeedOptions extends Omit<UseRealtimeAgentMessagesOptions, 'agentIds'> {
  /** Also decides the size, e.g. `h-screen` or `h-full`. Default: fills its container, 20 rem high at least. */
  readonly className?: string | undefined;
  /** Where a POST makes the agents write; null shows no such hint. Default `/api/chat/generate`. */
  readonly generateUrl?: string | null | undefined;
}

export function feedOptions(
  props: ChatFeedOptions,
  agents: readonly Pick<Agent, 'id'>[],
): UseRealtimeAgentMessagesOptions {
  const { className: _className, generateUrl: _generateUrl, ...options } = props;
  return { ...options, agentIds: agents.map(({ id }) => id) };
}

/** Whether messages can come, now or soon. */
export function canReceive({ status }: Pick<RealtimeAgentMessages, 'status'>): boolean {
  return status !== 'idle' && status !== 'offline';
}

/** Where to ask the agents to write, while there is nothing and something could come; else null. */
export function hintUrl(props: ChatFeedOptions, chat: RealtimeAgentMessages): string | null {
  const isEmpty = Object.values(chat.messages).every((messages) => messages.length === 0);
  if (!isEmpty || chat.isLoading || !canReceive(chat)) return null;
  return props.generateUrl === undefined ? '/api/chat/generate' : props.generateUrl;
}

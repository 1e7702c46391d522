// How many messages stand after one: the one measure for "n new", in pills, tabs and the status line.

import type { AgentMessage } from '@millrace/react/chat';

/** All of them where `id` is null or no longer held: then everything here came after it. */
export function countAfter(messages: readonly AgentMessage[], id: string | null): number {
  const at = messages.findLastIndex((message) => message.id === id);
  return messages.length - 1 - at;
}

export function lastId(messages: readonly AgentMessage[]): string | null {
  return messages.at(-1)?.id ?? null;
}

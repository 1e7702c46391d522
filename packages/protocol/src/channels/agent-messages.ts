// The ready-made contract of agents' messages: one channel for all agents, so that one cursor covers them.

import { type Contract, defineChannel } from '../contract.ts';
import type { StandardSchema } from '../standard-schema.ts';
import { isoTime, oneOf, shape, text } from './shape.ts';

/** What an agent writes while it works. */
export interface AgentMessage {
  readonly id: string;
  readonly agentId: string;
  readonly type: 'analysis' | 'trade' | 'opinion';
  readonly content: string;
  /** ISO 8601 UTC. */
  readonly timestamp: string;
}

const message: StandardSchema<AgentMessage> = shape({
  id: text(100),
  agentId: text(100),
  type: oneOf(['analysis', 'trade', 'opinion']),
  content: text(8_000),
  timestamp: isoTime(),
});

/** The channel `agent_messages`: events `message`. Keeps the newest 1,000 of a week. */
export const agentMessages: Contract<
  never,
  { readonly message: StandardSchema<AgentMessage> },
  undefined
> = defineChannel({
  type: 'agent_messages',
  events: { message },
  history: { size: 1_000, maxAgeMs: 7 * 24 * 60 * 60 * 1_000 },
});

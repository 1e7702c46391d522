// Public entry of @millrace/protocol/channels: ready-made contracts that hooks and servers share.

export { type AgentMessage, agentMessages } from './agent-messages.ts';
export { type Typing, typing } from './typing.ts';

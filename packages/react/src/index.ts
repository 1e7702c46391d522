// Public entry of @millrace/react: hooks over a client, headless. Topics have their own entries.

export type { ChannelView } from './channel-view.ts';
export { MillraceProvider, useClient } from './provider.ts';
export type { TypingUser } from './typing-store.ts';
export { type UseChannelOptions, useChannel } from './use-channel.ts';
export { useConnection } from './use-connection.ts';
export { type Presence, type UsePresenceOptions, usePresence } from './use-presence.ts';
export {
  type TypingChannel,
  type TypingIndicator,
  useTypingIndicator,
} from './use-typing-indicator.ts';

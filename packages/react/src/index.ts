// Public entry of @millrace/react: hooks over a client, headless. Topics have their own entries.

export type { ChannelView } from './channel-view.ts';
export { MillraceProvider, useClient } from './provider.ts';
export { type UseChannelOptions, useChannel } from './use-channel.ts';
export { useConnection } from './use-connection.ts';

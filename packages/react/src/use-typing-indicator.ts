// Who types in a channel, and to tell that one types oneself, as React state.

import type { Client } from '@millrace/client';
import { type EphemeralChannel, ephemeralOf } from '@millrace/client/presence';
import type { typing } from '@millrace/protocol/channels';
import { useSyncExternalStore } from 'react';
import { useClient } from './provider.ts';
import { createTypingStore, type TypingSource, type TypingUser } from './typing-store.ts';
import { useKeyedStore } from './use-keyed-store.ts';

/** A channel whose contract declares the ready-made `typing` among its ephemeral events. */
export type TypingChannel = EphemeralChannel<typeof typing>;

export interface TypingIndicator {
  /** Those who type, by their ids, without oneself; the same object until somebody starts or stops. */
  readonly isTyping: Readonly<Record<string, TypingUser>>;
  /** Call it with each keystroke: it is told at once, then at most every 2 s, and ends by itself after 4 s without a call. */
  readonly startTyping: () => void;
  /** The message was sent, or the text taken back. */
  readonly stopTyping: () => void;
}

/** Whose typing it is when the server itself sent it: an agent's, say. */
const SERVER = 'server';

const NOBODY: Readonly<Record<string, TypingUser>> = {};

/**
 * Shows who types in the channel while mounted. Whoever goes without a word has stopped after the contract's
 * `ephemeralForMs` (5 s).
 *
 * ```tsx
 * const room = defineChannel({ type: 'room', params: ['id'], events, ephemeral: typing });
 * const { isTyping, startTyping, stopTyping } = useTypingIndicator(room.of({ id: '7' }));
 * ```
 * @throws MillraceError `request/invalid` outside a `MillraceProvider`
 */
export function useTypingIndicator(channel: TypingChannel): TypingIndicator {
  const client = useClient();
  const store = useKeyedStore([client, channel.name], () =>
    createTypingStore(typingSource(client, channel)),
  );
  const isTyping = useSyncExternalStore(store.subscribe, store.getSnapshot, () => NOBODY);
  const { startTyping, stopTyping } = store;
  return { isTyping, startTyping, stopTyping };
}

function typingSource(client: Client, channel: TypingChannel): TypingSource {
  const ephemeral = ephemeralOf(client, channel);
  return {
    current: () =>
      ephemeral
        .getSnapshot()
        .map(({ from, data: { state }, at }) => ({ userId: from?.id ?? SERVER, state, at })),
    subscribe: ephemeral.subscribe,
    send: (state) => ephemeral.send({ type: 'typing', data: { state } }),
    me: () => ephemeral.you()?.id ?? null,
  };
}

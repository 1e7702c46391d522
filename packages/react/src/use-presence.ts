// Who is present in a channel, and to be present oneself, as React state. All logic is the client's.

import type { DataOf, InputOf, PresenceChannel, PresenceView } from '@millrace/client/presence';
import type { StandardSchema } from '@millrace/protocol';
import { useEffect, useSyncExternalStore } from 'react';
import { createPresenceStore, IDLE_PRESENCE, type PresenceStore } from './presence-store.ts';
import { useClient } from './provider.ts';
import { useKeyedStore } from './use-keyed-store.ts';

export interface UsePresenceOptions<Input> {
  /** What others see of this session, such as a name. A change of its JSON text is told. Default null. */
  readonly data?: Input;
  /** False only looks: this session is not present by this component. Default true. */
  readonly enter?: boolean;
  /** False neither looks nor is present. Default true. */
  readonly enabled?: boolean;
}

export interface Presence<Input, Data> extends Omit<PresenceView<Data>, 'error'> {
  /** Why nobody is shown, or what was refused of this session's data, safe to render; null while all is well. */
  readonly error: string | null;
  /** Replaces this session's data until `data` changes; at most ten times a second goes out, always the newest. */
  readonly update: (data: Input) => void;
}

const UNKNOWN: PresenceView<never> = { ...IDLE_PRESENCE, status: 'loading' };

/**
 * Watches who is present in the channel while mounted, and is present with `data`; leaves on unmount. Somebody with
 * several tabs is one member. Members are the same objects until something of them changes, `members` the same list,
 * and changes come at most once a frame.
 *
 * ```tsx
 * const { members, me } = usePresence(room.of({ id: '7' }), { data: { name: 'Ada' } });
 * ```
 * @throws MillraceError `request/invalid` outside a `MillraceProvider`
 */
export function usePresence<Schema extends StandardSchema>(
  channel: PresenceChannel<Schema>,
  options: UsePresenceOptions<InputOf<Schema>> = {},
): Presence<InputOf<Schema>, DataOf<Schema>> {
  const client = useClient();
  const { data = null, enter: isIn = true, enabled: isEnabled = true } = options;
  // By its text: an object literal is another one with each render.
  const kept = useKeyedStore([JSON.stringify(data)], () => data);
  const store = useKeyedStore<PresenceStore<Schema>>([client, channel.name, isIn, isEnabled], () =>
    createPresenceStore(client, channel, { isIn, isEnabled }, kept),
  );
  const view = useSyncExternalStore<PresenceView<DataOf<Schema>>>(
    store.subscribe,
    store.getSnapshot,
    () => (isEnabled ? UNKNOWN : IDLE_PRESENCE),
  );
  useEffect(() => store.update(kept), [store, kept]);
  const isStarting = isEnabled && view.status === 'idle';
  return {
    status: isStarting ? 'loading' : view.status,
    members: view.members,
    me: view.me,
    error: view.error?.message ?? null,
    update: store.update,
  };
}

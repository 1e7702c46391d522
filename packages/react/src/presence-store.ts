// One component's part in a channel's presence, gathered into frames: it watches, and is present, for as long as somebody
// listens. Refuses to own who is there, which the client knows.

import type { Client } from '@millrace/client';
import {
  type DataOf,
  type InputOf,
  type PresenceChannel,
  type PresenceEntry,
  type PresenceView,
  presenceOf,
} from '@millrace/client/presence';
import type { StandardSchema } from '@millrace/protocol';
import { createFrameStore, type FrameStore } from './frame-store.ts';

export interface PresenceStore<Schema extends StandardSchema>
  extends FrameStore<PresenceView<DataOf<Schema>>> {
  /** The data to be present with: now, or once it is. */
  update(data: InputOf<Schema>): void;
}

export interface PresenceStoreOptions {
  /** Whether this session is present, or only looks. */
  readonly isIn: boolean;
  readonly isEnabled: boolean;
}

/** What a component sees that neither looks nor is present. */
export const IDLE_PRESENCE: PresenceView<never> = {
  status: 'idle',
  members: [],
  me: null,
  error: null,
};

/** Starts nothing until the first listener. */
export function createPresenceStore<Schema extends StandardSchema>(
  client: Client,
  channel: PresenceChannel<Schema>,
  { isIn, isEnabled }: PresenceStoreOptions,
  data: InputOf<Schema>,
): PresenceStore<Schema> {
  const presence = presenceOf(client, channel);
  let newest = data;
  let entry: PresenceEntry<InputOf<Schema>> | null = null;

  const store = createFrameStore<PresenceView<DataOf<Schema>>>({
    // Others may be looking meanwhile.
    read: () => (isEnabled ? presence.getSnapshot() : IDLE_PRESENCE),
    attach(changed) {
      if (!isEnabled) return () => undefined;
      if (isIn) entry = presence.enter(newest);
      const unsubscribe = presence.subscribe(changed);
      changed();
      return () => {
        unsubscribe();
        entry?.leave();
        entry = null;
      };
    },
  });

  return {
    ...store,
    update(next) {
      // What it entered with is no change.
      if (next === newest) return;
      newest = next;
      entry?.update(next);
    },
  };
}

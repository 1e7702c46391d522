// What the application sees of the connection: one exhaustive projection, and a store with stable snapshots.

import type { MillraceError } from '@millrace/protocol';
import { retryAt } from './connection-needs.ts';
import type { Connection } from './connection-types.ts';
import type { Carrier } from './transports/transport.ts';
import { describeDowngrade } from './upgrade.ts';

export type ConnectionStatus =
  | { readonly status: 'idle' }
  | {
      readonly status: 'connecting';
      /** 1 for the first attempt since a stable link. */
      readonly attempt: number;
      /** ms since 1970; null while an attempt is under way, or while the page is offline or long hidden. */
      readonly nextTryAt: number | null;
      /** Why the last link or attempt ended. */
      readonly error: MillraceError | null;
      /** It lasts for more than 5 s: worth a word to the person who waits. */
      readonly isSlow: boolean;
    }
  | {
      readonly status: 'open';
      readonly transport: Carrier;
      /** Whether events come by themselves; false on poll. */
      readonly isRealtime: boolean;
      /** ms since 1970. */
      readonly since: number;
      /** The round trip of the link's `connect`; null before it is known. */
      readonly latencyMs: number | null;
      /** Why it is not the best carrier, in a sentence for people; null when it is. */
      readonly notice: string | null;
    }
  | {
      readonly status: 'closed';
      /** Null when the application closed it. */
      readonly error: MillraceError | null;
      /** Whether the reason will stand: only a new `connect()` or `retryNow()` tries again. */
      readonly isFinal: boolean;
    };

export interface StatusStore {
  /** The same object until something changes. */
  getSnapshot(): ConnectionStatus;
  subscribe(listener: () => void): () => void;
}

export function projectStatus(
  connection: Connection,
  carriers: readonly Carrier[],
  latencyMs: number | null,
): ConnectionStatus {
  const { state, memory } = connection;
  switch (state.name) {
    case 'idle':
      return { status: 'idle' };
    case 'racing':
    case 'waiting': {
      const { error, isSlow } = state.outage;
      const nextTryAt = retryAt(connection);
      return { status: 'connecting', attempt: memory.attempt + 1, nextTryAt, error, isSlow };
    }
    case 'open': {
      const { carrier: transport } = state.link;
      return {
        status: 'open',
        transport,
        isRealtime: transport !== 'poll',
        since: state.since,
        latencyMs,
        notice: describeDowngrade(carriers, transport, memory.setback),
      };
    }
    case 'migrating':
      return projectStatus({ memory, state: state.from }, carriers, latencyMs);
    case 'closed':
      return { status: 'closed', error: state.error, isFinal: state.isFinal };
  }
}

/** @param call runs a listener; what it throws must not stop the others */
export function createStatusStore(
  call: (listener: () => void) => void,
): StatusStore & { set(status: ConnectionStatus): void } {
  const listeners = new Set<() => void>();
  let snapshot: ConnectionStatus = { status: 'idle' };
  return {
    getSnapshot: () => snapshot,
    subscribe(listener) {
      // A function of its own: the same listener may subscribe twice.
      const own = (): void => listener();
      listeners.add(own);
      return () => listeners.delete(own);
    },
    set(status) {
      // An error's text is its code, message and details.
      if (JSON.stringify(snapshot) === JSON.stringify(status)) return;
      snapshot = status;
      for (const listener of [...listeners]) if (listeners.has(listener)) call(listener);
    },
  };
}

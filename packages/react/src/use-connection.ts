// The connection's status as React state. All logic is the client's.

import type { ConnectionStatus } from '@millrace/client';
import { useCallback, useSyncExternalStore } from 'react';
import { useClient } from './provider.ts';

const IDLE: ConnectionStatus = { status: 'idle' };

/** The status of the page's connection; the same object until it changes. Rendered on a server: idle. */
export function useConnection(): ConnectionStatus {
  const { status } = useClient();
  const subscribe = useCallback((listener: () => void) => status.subscribe(listener), [status]);
  return useSyncExternalStore(
    subscribe,
    () => status.getSnapshot(),
    () => IDLE,
  );
}

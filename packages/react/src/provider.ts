// Hands one client to the hooks below. Owns no lifetime: whoever made the client closes it.
// No JSX, so that this package runs from its sources in Node, for rendering on a server.

import type { Client } from '@millrace/client';
import { MillraceError } from '@millrace/protocol';
import { createContext, createElement, type ReactElement, type ReactNode, useContext } from 'react';

const ClientContext = createContext<Client | null>(null);

/**
 * Gives `client` to every hook below it; one link then carries all channels of the page.
 *
 * ```tsx
 * const client = createClient({ url: '/realtime' });
 * <MillraceProvider client={client}><App /></MillraceProvider>
 * ```
 */
export function MillraceProvider(props: {
  readonly client: Client;
  readonly children?: ReactNode;
}): ReactElement {
  return createElement(ClientContext.Provider, { value: props.client }, props.children);
}

/** The client of the nearest `MillraceProvider`. @throws MillraceError `request/invalid` where there is none */
export function useClient(): Client {
  const client = useOptionalClient();
  if (client !== null) return client;
  throw new MillraceError(
    'request/invalid',
    'No client here. Wrap this part of the page in <MillraceProvider client={createClient({ url })}>.',
  );
}

/** As `useClient`, but null where there is no provider: for hooks that can stand alone. */
export function useOptionalClient(): Client | null {
  return useContext(ClientContext);
}

// The Extension seam: how another entry of this package speaks a part of the protocol that the core does not know
// (presence, ephemeral events), so that pages without it do not load it. Imports no implementation.
//
// Contract, in prose: everything runs in the connection's own queue, where frames do, except `connect`, which is asked
// whenever a `connect` is about to be sent (poll: before each request) and must be quick. What it throws is the page's.

import type { JsonObject } from '@millrace/protocol/wire';
import type { Link } from './link.ts';
import type { TokenSource } from './token.ts';
import type { LinkRequest } from './transports/transport.ts';

export interface Extension {
  /** Further fields of the `connect` of this link. */
  connect(link: number): object;
  /** A frame of a type that the core does not know, of the link that is open. */
  frame(frame: JsonObject): void;
  /** Another link is the open one now. */
  opened(): void;
  /** The application closes the client: the last moment in which the link carries anything. */
  closing(): void;
}

/** What an extension may use of its client. */
export interface ExtensionHost {
  readonly session: string;
  readonly request: Omit<LinkRequest, 'connect'>;
  readonly tokens: Pick<TokenSource, 'get'>;
  /** The link that is open; null while none is. */
  link(): Link | null;
  /** `renew` opens the next link soon, for a carrier that can tell the server nothing else. */
  feed(event: { readonly type: 'renew' }): void;
  /** Runs a callback of the application's; what it throws goes to `onError`. */
  call(callback: () => unknown): void;
}

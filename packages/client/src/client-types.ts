// What an application gives a client and gets from it.

import type {
  Channel,
  Cursor,
  EventInput,
  EventSchemas,
  Expected,
  MillraceError,
} from '@millrace/protocol';
import type { SubscribeOptions } from './channel-codec.ts';
import type { Environment } from './environment.ts';
import type { Extension, ExtensionHost } from './extension.ts';
import type { StatusStore } from './status.ts';
import type { TokenOption } from './token.ts';
import type { Carrier } from './transports/transport.ts';

export interface ClientOptions {
  /** The hub's address: a path of the page's own server (`/realtime`), or absolute. */
  readonly url: string;
  /** A token, or the function that gets a fresh one: called once however many links want it, and again when the server refuses it. */
  readonly token?: TokenOption;
  /** Asked beat, ms, ≥ 1000. A link is dead after it and 2.5 s (above 3000: 6 s) without a byte. Default: the server's, 15–20 s. */
  readonly beatMs?: number;
  /** Which carriers may be used, best first. Default: all three, in this order. */
  readonly transports?: readonly Carrier[];
  /** Cookies on requests by fetch. Default `same-origin`. */
  readonly credentials?: RequestCredentials;
  /** Parts of the surroundings to replace: clock, network, storage. For tests and unusual hosts. */
  readonly environment?: Partial<Environment>;
  /** Failures that no promise carries: a callback that threw, an event that does not fit its contract. Default: one line to the console. */
  readonly onError?: (error: MillraceError) => void;
}

export interface Client {
  /** Opens the connection; the first `subscribe` or `publish` does it too. After `close` it opens it again. */
  connect(): void;
  /** Ends link, timers and unanswered publishes (`link/closed`). Subscriptions keep their place until they are ended. Idempotent. */
  close(): Promise<void>;
  /** A person asked for it: tries now, also after a final error; probes a link that stands. */
  retryNow(): void;
  readonly status: StatusStore;
  /** Returns the function that ends it. Subscribers of one channel share it on the wire; each has its own position. */
  subscribe<Events extends EventSchemas, State>(
    channel: Channel<Events, State>,
    options: SubscribeOptions<Events, State>,
  ): () => void;
  /**
   * The event's cursor, once the server has accepted it. Waits for a link, and survives the loss of one: a repeat
   * has the same idempotency key (`key`, default random).
   * With `expect` it is refused with `publish/conflict` unless the channel's head stands at that cursor, or the channel
   * is `empty`; `details.head` tells where it stands.
   * Rejects with `contract/*` for an event that does not fit, with what the server answers, with
   * `limit/publishes` past 1,000 waiting, and with `link/closed` after `close`.
   */
  publish<Events extends EventSchemas, State>(
    channel: Channel<Events, State>,
    event: EventInput<Events>,
    options?: { readonly key?: string; readonly expect?: Expected },
  ): Promise<Cursor>;
  /**
   * For other entries of this package, which call it once: presence and ephemeral events come by it
   * (`@millrace/client/presence`). An application needs it as little as a transport.
   */
  extend(extension: Extension): ExtensionHost;
  [Symbol.asyncDispose](): Promise<void>;
}

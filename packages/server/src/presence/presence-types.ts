// The words of the presence machine: what happens to it, and what it wants done.

import type { BusMessage } from './bus-message.ts';
import type { MembersChange } from './members.ts';
import type { Entering } from './own-sessions.ts';

export type PresenceEvent =
  | ({ readonly type: 'enter'; readonly channel: string } & Entering)
  | {
      readonly type: 'leave';
      readonly channel: string;
      readonly key: string;
      readonly user: string;
      readonly link: number;
    }
  | {
      readonly type: 'detach';
      readonly channel: string;
      readonly key: string;
      readonly link: number;
      readonly awayMs: number;
    }
  | { readonly type: 'watch' | 'unwatch' | 'listening'; readonly channel: string }
  /** On the bus. `channel` is null for what came on the topic of all nodes. */
  | { readonly type: 'heard'; readonly channel: string | null; readonly message: BusMessage }
  /** The bus took a beat of this node. */
  | { readonly type: 'beat-taken' }
  | { readonly type: 'tick' }
  /** The hub closes: its sessions have `keepMs` to turn up elsewhere. */
  | { readonly type: 'close'; readonly keepMs: number };

export type PresenceEffect =
  /** Answered with `listening`. */
  | { readonly type: 'listen' | 'unlisten'; readonly channel: string }
  | { readonly type: 'tell'; readonly channel: string | null; readonly message: BusMessage }
  /** Watchers may be told who is there; before it they are not. */
  | { readonly type: 'ready'; readonly channel: string }
  | { readonly type: 'changed'; readonly channel: string; readonly change: MembersChange };

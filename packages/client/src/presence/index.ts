// Public entry of @millrace/client/presence: who is there, and events that pass. A page that needs neither loads none of it.

export {
  type ChannelEphemeral,
  type EphemeralChannel,
  ephemeralOf,
} from './channel-ephemeral.ts';
export {
  type ChannelPresence,
  type PresenceChannel,
  type PresenceEntry,
  type PresenceStatus,
  type PresenceView,
  presenceOf,
} from './channel-presence.ts';
export type { You } from './live-session.ts';
export type { DataOf, EphemeralInput, EphemeralOf, InputOf } from './live-types.ts';
export type { MemberSession, PresenceMember } from './members-fold.ts';

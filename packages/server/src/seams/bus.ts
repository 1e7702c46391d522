// The Bus seam: ephemeral messages between hubs (typing, presence, control), at most once, in order per publisher.
// A message has 256 KiB at most, with its topic; a larger one is refused with `limit/event-size`.
// Nothing is stored; a subscriber gets what is published after `subscribe` resolved. Rules: BUS-1, BUS-2.

export interface Bus {
  publish(topic: string, text: string): Promise<void>;
  /** `listener` must not throw. Resolves with an idempotent unsubscribe. */
  subscribe(topic: string, listener: (text: string) => void): Promise<() => void>;
  close(): Promise<void>;
}

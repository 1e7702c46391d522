// Who listens to which channel of an engine, and how they are told. Rules: LOG-7.

import type { AppendHint, LogListener } from '../seams/log.ts';

/** Those of one channel. */
export type ChannelListeners = ReadonlySet<LogListener>;

export interface Listeners {
  /** Returns the function that ends it; repeating that is fine. */
  add(channel: string, listener: LogListener): () => void;
  /** Undefined where nobody listens. */
  of(channel: string): ChannelListeners | undefined;
  /** The channels that somebody listens to. */
  channels(): Iterable<string>;
  hint(channel: string, hint: AppendHint): void;
  /** Hints of that channel, or of all, may have been lost. */
  refresh(channel?: string): void;
  clear(): void;
}

/** `onChange`: the first listener of a channel came, or its last one went. */
export function createListeners(
  onChange: (channel: string, listeners: ChannelListeners | null) => void = () => undefined,
): Listeners {
  const byChannel = new Map<string, Set<LogListener>>();

  function remove(channel: string, listener: LogListener): void {
    const listeners = byChannel.get(channel);
    if (listeners?.delete(listener) !== true || listeners.size > 0) return;
    byChannel.delete(channel);
    onChange(channel, null);
  }

  return {
    add(channel, listener) {
      let listeners = byChannel.get(channel);
      if (listeners === undefined) {
        listeners = new Set();
        byChannel.set(channel, listeners);
        onChange(channel, listeners);
      }
      listeners.add(listener);
      return () => remove(channel, listener);
    },
    of: (channel) => byChannel.get(channel),
    channels: () => byChannel.keys(),
    hint(channel, hint) {
      for (const listener of byChannel.get(channel) ?? []) listener.hinted(hint);
    },
    refresh(channel) {
      const told = channel === undefined ? byChannel.values() : [byChannel.get(channel) ?? []];
      for (const listeners of told) for (const listener of listeners) listener.refresh();
    },
    clear() {
      // Each set too: one that is being walked over right now must tell no more.
      for (const listeners of byChannel.values()) listeners.clear();
      byChannel.clear();
    },
  };
}

// Who types, and that one types oneself: a fold over ephemeral events, and the rules of when to send one. Knows no
// channel: a source brings the events of others and takes this page's.

import { createFrameStore, type FrameStore } from './frame-store.ts';

/** Where the typing of others comes from, and one's own goes to. */
export interface TypingSource {
  /** Those who type now, by whom: the newest last. A signal of `stopped` stands for somebody who does not. */
  current(): readonly TypingSignal[];
  /** Returns an unsubscribe. */
  subscribe(listener: () => void): () => void;
  send(state: 'typing' | 'stopped'): void;
  /** The member's id of this page's user, whose other tabs are not shown to it; null while it is not known. */
  me(): string | null;
}

export interface TypingSignal {
  readonly userId: string;
  readonly state: 'typing' | 'stopped';
  /** ms since 1970. */
  readonly at: number;
}

/** Somebody who types. The same object while that lasts. */
export interface TypingUser {
  readonly userId: string;
  /** ms since 1970, by this page's clock. */
  readonly since: number;
}

export interface TypingStore extends FrameStore<Readonly<Record<string, TypingUser>>> {
  startTyping(): void;
  stopTyping(): void;
}

/** Who goes on typing tells so at most once in this time, ms: well within the time for which it counts. */
const REPEAT_MS = 2_000;
/** Who has not typed for so long has stopped, ms. */
const PAUSE_MS = 4_000;

/** Starts nothing until the first listener; sends nothing before `startTyping`. */
export function createTypingStore(source: TypingSource): TypingStore {
  let users: Readonly<Record<string, TypingUser>> = {};
  let sentAt: number | null = null;
  let pause: ReturnType<typeof setTimeout> | null = null;

  function read(): Readonly<Record<string, TypingUser>> {
    // A map until the end: an id may be the name of something that every object has.
    const known = new Map(Object.entries(users));
    const next = new Map<string, TypingUser>();
    const me = source.me();
    for (const { userId, state, at } of source.current()) {
      // A user who types in one tab types, whatever the other tabs say.
      if (state === 'typing' && userId !== me && !next.has(userId))
        next.set(userId, known.get(userId) ?? { userId, since: at });
    }
    const isSame = next.size === known.size && [...next.keys()].every((id) => known.has(id));
    if (!isSame) users = Object.fromEntries(next);
    return users;
  }

  function stopTyping(): void {
    if (pause !== null) clearTimeout(pause);
    pause = null;
    if (sentAt === null) return;
    sentAt = null;
    source.send('stopped');
  }

  const store = createFrameStore<Readonly<Record<string, TypingUser>>>({
    read,
    attach(changed) {
      const unsubscribe = source.subscribe(changed);
      return () => {
        unsubscribe();
        stopTyping();
      };
    },
  });

  return {
    ...store,
    startTyping() {
      if (pause !== null) clearTimeout(pause);
      pause = setTimeout(stopTyping, PAUSE_MS);
      const now = Date.now();
      if (sentAt !== null && now - sentAt < REPEAT_MS) return;
      sentAt = now;
      source.send('typing');
    },
    stopTyping,
  };
}

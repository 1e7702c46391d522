// A small store whose source runs only while somebody listens, and whose listeners hear at most
// once a frame. Owns attaching, detaching and coalescing; refuses to know what the snapshot is.
//
//   first listener          last listener leaves      still nobody at the end of the task step
//        │ attach                   │ (waits)                      │ detach
//
// The wait is what makes React's Strict Mode (mount, unmount, mount in one go) attach once.

import { onNextFrame } from './frame.ts';

export interface FrameStore<Snapshot> {
  /** Returns an unsubscribe that may be called twice. */
  subscribe(listener: () => void): () => void;
  /** The same value until listeners have been told of another. */
  getSnapshot(): Snapshot;
}

export interface FrameSource<Snapshot> {
  /** The current snapshot; must be the same value when nothing has changed. */
  read(): Snapshot;
  /** Starts the source; `changed` may be called as often as it likes. Returns its stop. */
  attach(changed: () => void): () => void;
}

export function createFrameStore<Snapshot>(source: FrameSource<Snapshot>): FrameStore<Snapshot> {
  const listeners = new Set<() => void>();
  let snapshot = source.read();
  let stop: (() => void) | null = null;
  let cancelFrame: (() => void) | null = null;

  function publish(): void {
    cancelFrame = null;
    const next = source.read();
    if (next === snapshot) return;
    snapshot = next;
    for (const listener of [...listeners]) listener();
  }

  function changed(): void {
    cancelFrame ??= onNextFrame(publish);
  }

  function detachIfUnused(): void {
    if (listeners.size > 0 || stop === null) return;
    stop();
    stop = null;
    cancelFrame?.();
    publish();
  }

  return {
    subscribe(listener) {
      // A wrapper of its own, so that one function given twice is two listeners.
      const own = (): void => listener();
      listeners.add(own);
      stop ??= source.attach(changed);
      return () => {
        listeners.delete(own);
        queueMicrotask(detachIfUnused);
      };
    },
    getSnapshot: () => snapshot,
  };
}

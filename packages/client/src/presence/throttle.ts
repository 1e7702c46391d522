// At most one call in a while, the first at once, the newest never lost: for what is told about as it changes.
// Owns no clock.

export interface Throttle<Value> {
  /** Passes the value on now, or, replacing one that waits, as soon as it may. */
  push(value: Value): void;
  /** What waits is not passed on. */
  cancel(): void;
}

export interface ThrottleOptions<Value> {
  now(): number;
  setTimer(callback: () => void, ms: number): () => void;
  /** As of the moment when the value is passed on. */
  everyMs(): number;
  pass(value: Value): void;
}

export function createThrottle<Value>(options: ThrottleOptions<Value>): Throttle<Value> {
  let freeAt = Number.NEGATIVE_INFINITY;
  let waiting: { value: Value; readonly cancel: () => void } | null = null;

  function pass(value: Value): void {
    waiting = null;
    freeAt = options.now() + options.everyMs();
    options.pass(value);
  }

  return {
    push(value) {
      const leftMs = freeAt - options.now();
      if (waiting !== null) waiting.value = value;
      else if (leftMs <= 0) pass(value);
      else {
        const entry = { value, cancel: options.setTimer(() => pass(entry.value), leftMs) };
        waiting = entry;
      }
    },
    cancel() {
      waiting?.cancel();
      waiting = null;
    },
  };
}

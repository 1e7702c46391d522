// The Timers seam: delays that many links share one clock for. The hub's timing wheel implements it.
// Coarse on purpose: a callback comes up to one tick late, never early, and must not throw.

export interface Timers {
  /** Runs `run` once after `delayMs`. Returns an idempotent cancel. */
  after(delayMs: number, run: () => void): () => void;
}

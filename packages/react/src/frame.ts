// "Before the next paint", once. Owns the choice of clock; refuses to own what is coalesced.
// A hidden tab gets no animation frames, so a timer stands behind: without it a page that comes
// back after an hour would fold an hour of events at once.

const HIDDEN_MS = 250;
const FRAME_MS = 16;

/** Runs `run` once before the next paint, after 250 ms at the latest. Returns a function that cancels it. */
export function onNextFrame(run: () => void): () => void {
  const hasFrames = typeof globalThis.requestAnimationFrame === 'function';
  const timer = setTimeout(finish, hasFrames ? HIDDEN_MS : FRAME_MS);
  const frame = hasFrames ? globalThis.requestAnimationFrame(finish) : null;

  function cancel(): void {
    clearTimeout(timer);
    if (frame !== null) globalThis.cancelAnimationFrame(frame);
  }
  function finish(): void {
    cancel();
    run();
  }
  return cancel;
}

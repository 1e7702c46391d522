// A clock of µs that processes of one machine share: latencies are differences of it.

/** What to add to `performance.now()`. Date.now has whole ms: the largest difference is the nearest to the truth. */
export function epochOffsetMs(): number {
  let largestMs = 0;
  const endMs = performance.now() + 3;
  for (let nowMs = 0; nowMs < endMs; ) {
    const dateMs = Date.now();
    nowMs = performance.now();
    largestMs = Math.max(largestMs, dateMs - nowMs);
  }
  return largestMs;
}

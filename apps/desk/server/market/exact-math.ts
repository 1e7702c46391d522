// Transcendental functions that give the same bits on every engine.
// The language leaves Math.exp, Math.log and ** to the platform's library, which may differ in the
// last place; one such bit would fork a whole price history. Only + - * / and Math.sqrt are used
// here: IEEE 754 rounds those alike everywhere.

/** e to the power of `x`; relative error under 1e-14 for |x| ≤ 40. */
export function exp(x: number): number {
  let halvings = 0;
  let small = x;
  while (small > 0.25 || small < -0.25) {
    small /= 2;
    halvings += 1;
  }
  let term = 1;
  let sum = 1;
  for (let n = 1; n <= 12; n += 1) {
    term *= small / n;
    sum += term;
  }
  for (let n = 0; n < halvings; n += 1) sum *= sum;
  return sum;
}

/** The logistic function, from any score to (0, 1). */
export function logistic(score: number): number {
  const bounded = Math.max(-30, Math.min(30, score));
  return 1 / (1 + exp(-bounded));
}

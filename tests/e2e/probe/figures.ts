// Figures of a list of times, and the line that reports them. No opinion about what is good.

export interface Figures {
  readonly count: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
}

/** Nearest rank: with 20 times the 95th percentile is the 19th. */
export function figuresOf(times: readonly number[]): Figures {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN);
  return { count: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95), maxMs: at(1) };
}

/** One line for the report of a run. */
export function report(label: string, times: readonly number[]): Figures {
  const figures = figuresOf(times);
  const { count, p50Ms, p95Ms, maxMs } = figures;
  console.info(`${label}: p50 ${p50Ms} ms, p95 ${p95Ms} ms, max ${maxMs} ms (${count} pages)`);
  return figures;
}

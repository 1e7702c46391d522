// What benches read out of the load client's lines, and the goals' words for it. Pure.

import type { Read } from './compare.ts';
import type { ContestantName } from './contestants.ts';
import { linesOf } from './load-lines.ts';

/** Thousands of deliveries for a second of the server's CPU, in the window of that burst. */
export const deliveriesPerCpuS =
  (burst = 1): Read =>
  (lines) =>
    (linesOf(lines, 'max').find((line) => line.burst === burst)?.perServerCpuS ?? Number.NaN) /
    1_000;

/** % of a core that the server used at a fixed pace. */
export const cpuAtPace: Read = (lines) => linesOf(lines, 'rate')[0]?.serverCpuPercent ?? Number.NaN;

export const p50Ms: Read = (lines) => (linesOf(lines, 'rate')[0]?.p50Us ?? Number.NaN) / 1_000;
export const p99Ms: Read = (lines) => (linesOf(lines, 'rate')[0]?.p99Us ?? Number.NaN) / 1_000;

/** Of connecting and subscribing. */
export const connectsPerCpuS: Read = (lines) =>
  (linesOf(lines, 'connect')[0]?.perServerCpuS ?? Number.NaN) / 1_000;

export const kibPerConnection: Read = (lines) =>
  linesOf(lines, 'gc')[0]?.kibPerConnection ?? Number.NaN;

export type Wire = 'WebSocket' | 'SSE';

export const naiveOf: Readonly<Record<Wire, ContestantName>> = {
  WebSocket: 'ws-naive',
  SSE: 'sse-naive',
};

export const oursOf: Readonly<Record<Wire, ContestantName>> = {
  WebSocket: 'millrace-ws',
  SSE: 'millrace-sse',
};

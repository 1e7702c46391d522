// The hub's counters: totals, rates of the last whole second, refusals by code, and what pressure came to.

import type { ErrorCode, MillraceError } from '@millrace/protocol';
import type { Pressure } from './hub-types.ts';
import type { Timers } from './seams/timers.ts';

export interface Counter {
  readonly total: number;
  readonly perSecond: number;
}

export interface Stats {
  readonly published: Counter;
  readonly delivered: Counter;
  readonly refused: Readonly<Partial<Record<ErrorCode, number>>>;
  readonly pressure: Readonly<Record<Pressure, number>>;
  onPublished(count: number): void;
  onDelivered(count: number): void;
  onRefused(error: MillraceError): void;
  onPressure(outcome: Pressure): void;
}

export function createStats(timers: Timers): Stats {
  const published = createCounter();
  const delivered = createCounter();
  const refused: Partial<Record<ErrorCode, number>> = {};
  const pressure: Record<Pressure, number> = {
    fellBehind: 0,
    caughtUp: 0,
    pagesFromMemory: 0,
    pagesFromLog: 0,
    statesCoalesced: 0,
    closedSlow: 0,
    closedByBudget: 0,
    notAdmitted: 0,
  };
  turnLater();

  function turnLater(): void {
    timers.after(1_000, () => {
      published.turn();
      delivered.turn();
      turnLater();
    });
  }

  return {
    published,
    delivered,
    refused,
    pressure,
    onPublished: published.add,
    onDelivered: delivered.add,
    onRefused({ code }) {
      refused[code] = (refused[code] ?? 0) + 1;
      if (code === 'link/slow') pressure.closedSlow += 1;
    },
    onPressure(outcome) {
      pressure[outcome] += 1;
    },
  };
}

function createCounter(): Counter & { add(count: number): void; turn(): void } {
  let total = 0;
  let lastTotal = 0;
  let lastAt = performance.now();
  let perSecond = 0;
  return {
    get total() {
      return total;
    },
    get perSecond() {
      return perSecond;
    },
    add(count) {
      total += count;
    },
    turn() {
      const now = performance.now();
      perSecond = Math.round(((total - lastTotal) / (now - lastAt)) * 1_000);
      lastTotal = total;
      lastAt = now;
    },
  };
}

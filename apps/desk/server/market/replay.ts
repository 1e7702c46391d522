// Replay of imported bars as a price source. Each bar is played as four ticks: open, then the low and
// the high (the nearer the open first, judged by where the bar closed), then close; the volume is
// spread over them. It begins at the first time at which every instrument has a price, and an
// instrument without a bar at some time keeps its last price, with no volume.
import { z } from 'zod';
import type { Instrument } from './instrument.ts';
import { misuse } from './misuse.ts';
import { dollars, type Money } from './money.ts';
import type { PriceBar } from './price-csv.ts';
import type { PriceSourceFactory, SourcePrice, SourceStep } from './price-source.ts';
import { atOnce, LINES_PER_STEP } from './steps.ts';

const TICKS_PER_BAR = 4;
const DAY_MS = 86_400_000;

const stateSchema: z.ZodType<{ position: number }> = z.object({ position: z.int().min(0) });

/** The bars as a market's prices, once through. Bars need no order; there must be some. */
export function replayedPrices(bars: readonly PriceBar[]): PriceSourceFactory {
  return atOnce(prepareReplay(bars));
}

/** The same in steps. */
export function* prepareReplay(bars: readonly PriceBar[]): Generator<void, PriceSourceFactory> {
  const instruments = instrumentsOf(bars);
  yield;
  const steps = yield* playBars(bars, instruments);
  if (steps.length === 0) {
    throw misuse('There is no time at which every symbol has a price: give bars that overlap.');
  }
  const days = (steps.at(-1)?.day ?? 0) + 1;
  const ticksPerDay = Math.max(TICKS_PER_BAR, Math.round(steps.length / days));
  return (saved) => {
    let position = saved === undefined ? 0 : stateSchema.parse(saved).position;
    return {
      instruments,
      ticksPerDay,
      step() {
        const step = steps[position];
        if (step === undefined) throw misuse('The replay has played out.');
        position += 1;
        return step;
      },
      snapshot: () => ({ position }),
    };
  };
}

function instrumentsOf(bars: readonly PriceBar[]): Instrument[] {
  const cents = dollars(0.01);
  const isInCents = bars.every((bar) =>
    [bar.open, bar.high, bar.low, bar.close].every((price) => price % cents === 0),
  );
  const symbols = [...new Set(bars.map(({ symbol }) => symbol))].toSorted();
  return symbols.map((symbol) => ({ symbol, name: symbol, tickSize: isInCents ? cents : 1 }));
}

function* playBars(
  bars: readonly PriceBar[],
  instruments: readonly Instrument[],
): Generator<void, SourceStep[]> {
  const byTime = new Map<number, Map<string, PriceBar>>();
  for (const bar of bars) {
    const at = byTime.get(bar.timeMs) ?? new Map<string, PriceBar>();
    byTime.set(bar.timeMs, at.set(bar.symbol, bar));
  }
  const times = [...byTime.keys()].toSorted((one, other) => one - other);
  const gapMs = shortestGap(times);
  const last = new Map<string, Money>();
  const ticks: { timeMs: number; dayMs: number; prices: SourcePrice[] }[] = [];
  for (const [n, timeMs] of times.entries()) {
    // Each time stands for four ticks of all instruments.
    if ((n * instruments.length) % LINES_PER_STEP < instruments.length) yield;
    const now = byTime.get(timeMs) ?? new Map<string, PriceBar>();
    const isComplete = instruments.every(({ symbol }) => last.has(symbol) || now.has(symbol));
    for (let n = 0; isComplete && n < TICKS_PER_BAR; n += 1) {
      const prices = instruments.map(({ symbol }): SourcePrice => {
        const bar = now.get(symbol);
        if (bar === undefined) return { price: last.get(symbol) ?? 0, volume: 0 };
        return { price: pathOf(bar)[n] ?? bar.close, volume: partOf(bar.volume, n) };
      });
      const within = Math.floor((n * gapMs) / TICKS_PER_BAR);
      ticks.push({ timeMs: timeMs + within, dayMs: timeMs - (timeMs % DAY_MS), prices });
    }
    for (const bar of now.values()) last.set(bar.symbol, bar.close);
  }
  return yield* numbered(ticks);
}

function* numbered(
  ticks: readonly { timeMs: number; dayMs: number; prices: readonly SourcePrice[] }[],
): Generator<void, SourceStep[]> {
  let day = -1;
  let tickOfDay = 0;
  const steps: SourceStep[] = [];
  for (const [n, { timeMs, dayMs, prices }] of ticks.entries()) {
    if (n % LINES_PER_STEP === 0) yield;
    const isDayStart = ticks[n - 1]?.dayMs !== dayMs;
    day += isDayStart ? 1 : 0;
    tickOfDay = isDayStart ? 0 : tickOfDay + 1;
    const isLast = n === ticks.length - 1;
    const isDayEnd = isLast || ticks[n + 1]?.dayMs !== dayMs;
    const time = new Date(timeMs).toISOString();
    steps.push({ time, day, tickOfDay, isDayEnd, isLast, prices });
  }
  return steps;
}

function pathOf({ open, high, low, close }: PriceBar): readonly Money[] {
  return close >= open ? [open, low, high, close] : [open, high, low, close];
}

/** Quarters of a volume that add up to it. */
function partOf(volume: number, n: number): number {
  const done = Math.floor((volume * n) / TICKS_PER_BAR);
  return Math.floor((volume * (n + 1)) / TICKS_PER_BAR) - done;
}

function shortestGap(times: readonly number[]): number {
  let shortest = DAY_MS;
  for (const [n, time] of times.entries()) {
    const before = times[n - 1];
    if (before !== undefined) shortest = Math.min(shortest, time - before);
  }
  return shortest;
}

// The simulated price source: correlated, regime-switching log returns around a common factor.
//
//   value's return = beta × factor + own part;  each has its own regime (regimes.ts) and stream
//   price = value × e^sway;  the sway comes and goes around nothing within a fraction of a day
//
// Same seed, same history on any machine: no platform mathematics (exact-math.ts), and each price is
// rounded to 1/10 000 dollar at each step. A weak pull to the start price keeps a market that has
// run for months within readable figures; it is far below a day's noise.
import { z } from 'zod';
import { sessionTime } from './calendar.ts';
import { exp } from './exact-math.ts';
import { SIMULATED_INSTRUMENTS, type SimulatedInstrument } from './instrument.ts';
import { misuse } from './misuse.ts';
import type { Money } from './money.ts';
import type { PriceSource, PriceSourceFactory, SourcePrice } from './price-source.ts';
import {
  createRandom,
  type Random,
  type RandomState,
  randomStateSchema,
  restoreRandom,
} from './prng.ts';
import { nextRegime, REGIME_TRAITS, REGIMES, type Regime } from './regimes.ts';

const FACTOR_DAILY_VOLATILITY = 0.0085;
/** The night's move, in daily volatilities. */
const OVERNIGHT = 0.3;
/** How far prices sway around their value, in own daily volatilities, and for how long, in days. */
const SWAY_SIZE = 0.18;
const SWAY_DAYS = 0.025;
/** Share of the distance to the start price that is pulled back per day. */
const DAILY_PULL = 0.006;

export interface SimulatorOptions {
  readonly seed: string;
  /** Ticks in a trading day; 600 (ten minutes at one tick a second) unless told. */
  readonly ticksPerDay?: number;
  /** The weekday of day 0, `YYYY-MM-DD`; 2026-01-05 unless told. */
  readonly startDate?: string;
  readonly instruments?: readonly SimulatedInstrument[];
}

type Lane = { random: RandomState; regime: Regime; value: Money; sway: number };
type SimulatorState = {
  day: number;
  tickOfDay: number;
  factor: { random: RandomState; regime: Regime };
  lanes: Lane[];
};

const regimeSchema = z.enum(REGIMES);
const stateSchema: z.ZodType<SimulatorState> = z.object({
  day: z.int().min(0),
  tickOfDay: z.int().min(0),
  factor: z.object({ random: randomStateSchema, regime: regimeSchema }),
  lanes: z.array(
    z.object({
      random: randomStateSchema,
      regime: regimeSchema,
      value: z.int().positive(),
      sway: z.number(),
    }),
  ),
});

/** Endless simulated prices. */
export function simulatedPrices(options: SimulatorOptions): PriceSourceFactory {
  const ticksPerDay = options.ticksPerDay ?? 600;
  if (!Number.isSafeInteger(ticksPerDay) || ticksPerDay < 20) {
    throw misuse(`ticksPerDay is ${ticksPerDay}: give a whole number of at least 20.`);
  }
  const startDate = options.startDate ?? '2026-01-05';
  const instruments = options.instruments ?? SIMULATED_INSTRUMENTS;
  return (saved) => {
    const state =
      saved === undefined ? firstState(options.seed, instruments) : stateSchema.parse(saved);
    if (state.lanes.length !== instruments.length) {
      throw misuse('The saved prices are of other instruments: restore with the same list.');
    }
    return createSimulator(state, { ticksPerDay, startDate, instruments });
  };
}

interface SimulatorSetup {
  readonly ticksPerDay: number;
  readonly startDate: string;
  readonly instruments: readonly SimulatedInstrument[];
}

interface LiveLane {
  readonly instrument: SimulatedInstrument;
  readonly random: Random;
  regime: Regime;
  value: Money;
  sway: number;
}

function createSimulator(saved: SimulatorState, setup: SimulatorSetup): PriceSource {
  const { ticksPerDay, startDate, instruments } = setup;
  const tickShare = 1 / Math.sqrt(ticksPerDay);
  const factorRandom = restoreRandom(saved.factor.random);
  let factorRegime = saved.factor.regime;
  let { day, tickOfDay } = saved;
  const lanes: LiveLane[] = [];
  for (const [n, lane] of saved.lanes.entries()) {
    const instrument = instruments[n];
    if (instrument === undefined) continue;
    lanes.push({ instrument, random: restoreRandom(lane.random), ...pickLane(lane) });
  }

  return {
    instruments,
    ticksPerDay,
    step() {
      const at = { day, tickOfDay, ticksPerDay };
      factorRegime = nextRegime(factorRegime, factorRandom, ticksPerDay);
      const isAfterNight = tickOfDay === 0 && day > 0;
      const part = { regime: factorRegime, daily: FACTOR_DAILY_VOLATILITY, isAfterNight };
      const factor = drawReturn(factorRandom, part, ticksPerDay, tickShare);
      const prices = lanes.map((lane): SourcePrice => {
        lane.regime = nextRegime(lane.regime, lane.random, ticksPerDay);
        const daily = lane.instrument.ownVolatility;
        const own = { regime: lane.regime, daily, isAfterNight };
        const drawn = drawReturn(lane.random, own, ticksPerDay, tickShare);
        const away = lane.value / lane.instrument.startPrice - 1;
        const pull = (DAILY_PULL / ticksPerDay) * Math.max(-0.9, Math.min(2, away));
        const move = lane.instrument.beta * factor + drawn - pull;
        const least = lane.instrument.tickSize * 10;
        lane.value = Math.max(least, Math.round(lane.value * exp(move)));
        lane.sway = nextSway(lane, ticksPerDay);
        const price = Math.max(least, Math.round(lane.value * exp(lane.sway)));
        return { price, volume: drawVolume(lane, at) };
      });
      tickOfDay += 1;
      const isDayEnd = tickOfDay === ticksPerDay;
      if (isDayEnd) {
        tickOfDay = 0;
        day += 1;
      }
      const time = sessionTime(startDate, at);
      return { time, day: at.day, tickOfDay: at.tickOfDay, isDayEnd, isLast: false, prices };
    },
    snapshot: (): SimulatorState => ({
      day,
      tickOfDay,
      factor: { random: factorRandom.snapshot(), regime: factorRegime },
      lanes: lanes.map((lane) => ({ random: lane.random.snapshot(), ...pickLane(lane) })),
    }),
  };
}

function pickLane({ regime, value, sway }: Omit<Lane, 'random'>): Omit<Lane, 'random'> {
  return { regime, value, sway };
}

/** A step of a process that forgets itself over `SWAY_DAYS`; its deviation is `SWAY_SIZE`. */
function nextSway(lane: LiveLane, ticksPerDay: number): number {
  const forgets = Math.min(0.5, 1 / (SWAY_DAYS * ticksPerDay));
  const size = SWAY_SIZE * lane.instrument.ownVolatility;
  return lane.sway * (1 - forgets) + size * Math.sqrt(2 * forgets) * lane.random.normal();
}

function drawReturn(
  random: Random,
  part: { regime: Regime; daily: number; isAfterNight: boolean },
  ticksPerDay: number,
  tickShare: number,
): number {
  const traits = REGIME_TRAITS[part.regime];
  const noise = part.daily * traits.volatility * tickShare * random.normal();
  const drift = (part.daily * traits.drift) / ticksPerDay;
  const night = part.isAfterNight ? part.daily * OVERNIGHT * random.normal() : 0;
  return noise + drift + night;
}

/** More at the open and the close, more in turbulence, never a smooth line. */
function drawVolume(lane: LiveLane, at: { tickOfDay: number; ticksPerDay: number }): number {
  const fromNoon = (2 * at.tickOfDay) / at.ticksPerDay - 1;
  const ofDay = 0.7 + 0.9 * fromNoon * fromNoon;
  const mood = REGIME_TRAITS[lane.regime].volatility;
  const usual = lane.instrument.dailyShares / at.ticksPerDay;
  return Math.round(usual * ofDay * mood * exp(0.45 * lane.random.normal() - 0.1));
}

function firstState(seed: string, instruments: readonly SimulatedInstrument[]): SimulatorState {
  const root = createRandom(seed).fork('prices');
  return {
    day: 0,
    tickOfDay: 0,
    factor: { random: root.fork('factor').snapshot(), regime: 'calm' },
    lanes: instruments.map(({ symbol, startPrice }) => {
      const random = root.fork(symbol);
      const draw = random.integer(REGIMES.length);
      const regime = REGIMES[draw] ?? 'calm';
      return { random: random.snapshot(), regime, value: startPrice, sway: 0 };
    }),
  };
}

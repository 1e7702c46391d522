// The paper market, tied together: prices, books, agents, rules, one tick at a time.
// Owns the order of a tick. Refuses to own: real time (the caller ticks), storage, text.
//
//   price source → venues, makers, public → stop losses, agents in turn → day end → report
//
// Agents act one after the other on the books as the one before left them; who begins rotates.
// Everything is deterministic: the same seed, agents and calls give the same reports, also when
// the market was written to JSON and read back in between.
import { type AgentState, firstAgentState, noteFill, openDay } from './agent-state.ts';
import { type TurnResult, takeTurn } from './agent-turn.ts';
import { createBackground } from './background.ts';
import { createExchange } from './exchange.ts';
import { checkFees, DEFAULT_FEES, type FeeSchedule } from './fees.ts';
import type { Instrument, Venue } from './instrument.ts';
import { type MarketSnapshot, parseMarketSnapshot } from './market-snapshot.ts';
import { misuse } from './misuse.ts';
import { dollars, type Money } from './money.ts';
import type { BookLevel } from './order-book.ts';
import type { PriceSourceFactory, SourceStep } from './price-source.ts';
import type { SymbolQuote } from './quote.ts';
import type { AgentStanding, EquityPoint, TickReport } from './report.ts';
import { type TradingRule, tradingRuleSchema } from './rule.ts';
import { simulatedPrices } from './simulator.ts';
import { equityOf, standingOf, workingOf } from './standing.ts';
import type { Strategy, StrategyFactory } from './strategy.ts';
import { createTicker } from './ticker.ts';

export interface AgentSpec {
  readonly id: string;
  /** A key of `strategies`. */
  readonly strategy: string;
  /** Starting cash; $100,000 unless told. */
  readonly cash?: Money;
  readonly rules?: readonly TradingRule[];
}

export interface MarketOptions {
  readonly seed: string;
  readonly strategies: Readonly<Record<string, StrategyFactory>>;
  /** Ticks in a simulated day; 600 unless told. Unused when `prices` is given. */
  readonly ticksPerDay?: number;
  /** Where prices come from; the simulator with this seed unless told. */
  readonly prices?: PriceSourceFactory;
  /** 1 basis point for taking, nothing for waiting, unless told. */
  readonly fees?: FeeSchedule;
  readonly agents?: readonly AgentSpec[];
}

export interface Market {
  readonly instruments: readonly Instrument[];
  readonly ticksPerDay: number;
  /** One step of everything. Throws `request/invalid` after a replay's last tick. */
  tick(): TickReport;
  /** Ticks done, the last one's time (empty before the first), and whether there are more. */
  clock(): { readonly tick: number; readonly time: string; readonly isOver: boolean };
  /** Empty before the first tick. */
  quotes(): readonly SymbolQuote[];
  depth(
    symbol: string,
    venue: Venue,
    levels: number,
  ): { bids: readonly BookLevel[]; asks: readonly BookLevel[] };
  standings(): readonly AgentStanding[];
  standing(agentId: string): AgentStanding | undefined;
  addAgent(spec: AgentSpec): void;
  /** Cancels its orders and gives it no more turns. Its account stays: money doesn't vanish. */
  closeAgent(agentId: string): void;
  /** Closes it for good and gives how it stood; what it had goes to the estate, and its id may come again. */
  retireAgent(agentId: string): AgentStanding;
  /** Takes effect with the next order. */
  setRules(agentId: string, rules: readonly TradingRule[]): void;
  /** Cash of all accounts and net shares per symbol: both constant but for agents' starting cash. */
  totals(): { readonly cash: Money; readonly shares: Readonly<Record<string, number>> };
  /** Plain JSON; `restoreMarket` goes on exactly here. */
  snapshot(): MarketSnapshot;
}

const STARTING_CASH = dollars(100_000);

/** A market at its beginning. */
export function createMarket(options: MarketOptions): Market {
  const market = assemble(options, undefined);
  for (const spec of options.agents ?? []) market.addAgent(spec);
  return market;
}

/** Goes on where `snapshot()` was taken; options as for the first market, its agents are known. */
export function restoreMarket(options: Omit<MarketOptions, 'agents'>, snapshot: unknown): Market {
  return assemble(options, parseMarketSnapshot(snapshot));
}

interface Seat {
  readonly agent: AgentState;
  readonly strategy: Strategy;
}

function assemble(options: MarketOptions, saved: MarketSnapshot | undefined): Market {
  const { seed, ticksPerDay: dayLength = 600 } = options;
  const factory = options.prices ?? simulatedPrices({ seed, ticksPerDay: dayLength });
  const source = factory(saved?.prices);
  const { instruments, ticksPerDay } = source;
  const fees = checkFees(saved?.fees ?? options.fees ?? DEFAULT_FEES);
  const exchange = createExchange({ instruments, fees }, saved?.exchange);
  const background = createBackground(exchange, saved?.background ?? { seed });
  const ticker = createTicker(exchange.listings, saved?.days ?? []);
  const seats = new Map<string, Seat>();
  const progress = {
    tick: saved?.tick ?? 0,
    time: saved?.time ?? '',
    isOver: saved?.isOver ?? false,
    decisionId: saved?.nextDecisionId ?? 1,
  };

  const strategyOf = (kind: string, state: unknown): Strategy => {
    const make = options.strategies[kind];
    if (make === undefined) throw misuse(`There is no strategy "${kind}": register it first.`);
    return make(state);
  };
  for (const [n, agent] of (saved?.agents ?? []).entries()) {
    const strategy = strategyOf(agent.strategy, saved?.strategies[n]);
    seats.set(agent.id, { agent, strategy });
  }
  const seatOf = (agentId: string): Seat => {
    const seat = seats.get(agentId);
    if (seat === undefined) throw misuse(`There is no agent "${agentId}" in this market.`);
    return seat;
  };
  const accountOf = (agentId: string) => {
    const account = exchange.accounts.get(agentId);
    if (account === undefined) throw misuse(`Agent "${agentId}" has no account.`);
    return account;
  };
  const pointOf = (agent: AgentState): EquityPoint => {
    const point = equityOf(accountOf(agent.id), ticker.markOf);
    return { ...point, dayProfit: point.equity - agent.equityAtOpen };
  };
  const openSeats = (): Seat[] => [...seats.values()].filter(({ agent }) => agent.isOpen);

  /** Everybody's fills of this tick from `from` on, to those they belong to. */
  const deliverFills = (from: number): number => {
    const fills = exchange.fills();
    for (const fill of fills.slice(from)) noteFill(seatOf(fill.agentId).agent, fill);
    return fills.length;
  };

  const runAgents = (step: SourceStep, delivered: number): TurnResult => {
    const all: TurnResult = { orders: [], refused: [], decisions: [] };
    const open = openSeats();
    let seen = delivered;
    for (let n = 0; n < open.length; n += 1) {
      const seat = open[(n + progress.tick) % open.length];
      if (seat === undefined) break;
      const result = takeTurn(seat.agent, seat.strategy, {
        ...{ exchange, ticker, fees, instruments, ticksPerDay, step, tick: progress.tick },
        nextDecisionId: () => {
          progress.decisionId += 1;
          return progress.decisionId - 1;
        },
      });
      seen = deliverFills(seen);
      all.orders.push(...result.orders);
      all.refused.push(...result.refused);
      all.decisions.push(...result.decisions);
    }
    return all;
  };

  return {
    instruments,
    ticksPerDay,
    tick() {
      if (progress.isOver) throw misuse('The replay has played out: start a new market.');
      const step = source.step();
      progress.tick += 1;
      progress.time = step.time;
      progress.isOver = step.isLast;
      const { tick } = progress;
      exchange.beginTick({ tick, time: step.time });
      background.step(step.prices);
      ticker.advance(step.tickOfDay === 0);
      if (step.tickOfDay === 0) {
        for (const { agent } of openSeats()) {
          const account = accountOf(agent.id);
          openDay(agent, account, equityOf(account, ticker.markOf).equity);
        }
      }
      const turns = runAgents(step, deliverFills(0));
      if (step.isDayEnd) {
        for (const id of [...exchange.working.keys()]) exchange.cancel(id, 'day-end');
      }
      const { time, day, tickOfDay, isDayEnd, isLast } = step;
      return {
        ...{ tick, time, day, tickOfDay, isDayEnd, isLast },
        quotes: ticker.quotes(),
        fills: exchange.fills(),
        cancelled: exchange.cancelled(),
        ...turns,
        equity: openSeats().map(({ agent }) => pointOf(agent)),
      };
    },
    clock: () => ({ tick: progress.tick, time: progress.time, isOver: progress.isOver }),
    quotes: () => ticker.quotes(),
    depth(symbol, venue, levels) {
      const book = exchange.listing(symbol, venue)?.book;
      if (book === undefined) throw misuse(`Nothing is listed as ${symbol} at ${venue}.`);
      return { bids: book.levels('buy', levels), asks: book.levels('sell', levels) };
    },
    standings: () =>
      [...seats.values()].map(({ agent }) =>
        standingOf(agent, accountOf(agent.id), exchange, ticker.markOf),
      ),
    standing(agentId) {
      const agent = seats.get(agentId)?.agent;
      if (agent === undefined) return undefined;
      return standingOf(agent, accountOf(agentId), exchange, ticker.markOf);
    },
    addAgent(spec) {
      const cash = spec.cash ?? STARTING_CASH;
      const strategy = strategyOf(spec.strategy, undefined);
      exchange.open(spec.id, 'agent', cash);
      const agent = firstAgentState(spec.id, spec.strategy, cash);
      agent.rules = checkRules(spec.rules ?? []);
      seats.set(spec.id, { agent, strategy });
    },
    closeAgent(agentId) {
      const { agent } = seatOf(agentId);
      for (const { id } of workingOf(exchange, agentId)) exchange.cancel(id, 'agent-closed');
      agent.isOpen = false;
    },
    retireAgent(agentId) {
      const { agent } = seatOf(agentId);
      for (const { id } of workingOf(exchange, agentId)) exchange.cancel(id, 'agent-closed');
      agent.isOpen = false;
      const standing = standingOf(agent, accountOf(agentId), exchange, ticker.markOf);
      exchange.retire(agentId);
      seats.delete(agentId);
      return standing;
    },
    setRules(agentId, rules) {
      seatOf(agentId).agent.rules = checkRules(rules);
    },
    totals() {
      let cash = 0;
      const shares: Record<string, number> = {};
      for (const account of exchange.accounts.values()) {
        cash += account.cash;
        for (const [symbol, { quantity }] of Object.entries(account.positions)) {
          shares[symbol] = (shares[symbol] ?? 0) + quantity;
        }
      }
      return { cash, shares };
    },
    snapshot: () => ({
      format: 1,
      tick: progress.tick,
      time: progress.time,
      isOver: progress.isOver,
      nextDecisionId: progress.decisionId,
      fees,
      prices: source.snapshot(),
      exchange: exchange.snapshot(),
      background: background.snapshot(),
      days: ticker.snapshot(),
      agents: [...seats.values()].map(({ agent }) => structuredClone(agent)),
      strategies: [...seats.values()].map(({ strategy }) => strategy.snapshot()),
    }),
  };
}

function checkRules(rules: readonly TradingRule[]): TradingRule[] {
  return rules.map((rule) => {
    const parsed = tradingRuleSchema.safeParse(rule);
    if (parsed.success) return parsed.data;
    throw misuse(`The rule "${rule.id}" is not valid: ${parsed.error.issues[0]?.message ?? ''}`);
  });
}

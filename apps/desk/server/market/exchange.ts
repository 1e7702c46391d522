// The exchange: one book per instrument and venue, and the accounts it settles between.
// Owns: ids, settlement, fees, working orders. Refuses to own: rules (order-check.ts), what makers
// quote and the public trades (liquidity.ts), and when the day ends (market.ts).
// Conservation: cash only moves between accounts, the fee account among them; shares likewise.
import { type Account, inherit, openAccount, settle } from './account.ts';
import type { ExchangeState } from './exchange-state.ts';
import { type FeeSchedule, feeOn } from './fees.ts';
import { type Instrument, VENUES, type Venue } from './instrument.ts';
import { misuse } from './misuse.ts';
import type { Money } from './money.ts';
import type { CancelledOrder, Fill, OrderOutcome, OrderRequest, WorkingOrder } from './order.ts';
import { type BookTrade, createOrderBook, type OrderBook } from './order-book.ts';
import type { VenueQuote } from './quote.ts';

/** One book with what is remembered about it. */
export interface Listing {
  readonly instrument: Instrument;
  readonly venue: Venue;
  readonly book: OrderBook;
  mid: Money;
  last: Money;
  /** Shares traded in this tick. */
  volume: number;
  /** Notional that agents took since the venue's price last moved: bought minus sold. */
  agentFlow: Money;
}

export interface Instant {
  readonly tick: number;
  readonly time: string;
}

export interface Exchange {
  readonly listings: readonly Listing[];
  readonly accounts: ReadonlyMap<string, Account>;
  readonly working: ReadonlyMap<number, WorkingOrder>;
  /** Starts a tick: forgets the last one's fills and volumes. */
  beginTick(now: Instant): void;
  listing(symbol: string, venue: Venue): Listing | undefined;
  open(id: string, role: Account['role'], cash: Money): Account;
  /** Takes an account out that trades no more; what is in it goes to the estate, so that nothing vanishes. */
  retire(id: string): void;
  /** An agent's order that passed the check. */
  submit(agentId: string, decisionId: number, request: OrderRequest): OrderOutcome;
  /** An order of a market maker (rests) or of the public (takes at any price). */
  background(owner: string, listing: Listing, order: BackgroundOrder): void;
  /** Takes an agent's working order out; false when it is not there (any more). */
  cancel(orderId: number, why: CancelledOrder['why']): boolean;
  /** What agents' orders did in this tick, in order. */
  fills(): readonly Fill[];
  cancelled(): readonly CancelledOrder[];
  snapshot(): ExchangeState;
}

export interface BackgroundOrder {
  readonly side: OrderRequest['side'];
  readonly quantity: number;
  readonly limit: Money | null;
}

export const FEE_ACCOUNT = 'fees';
/** What closed accounts left behind. */
const ESTATE_ACCOUNT = 'estate';

interface Taking {
  readonly orderId: number;
  readonly owner: string;
  readonly side: OrderRequest['side'];
  readonly decisionId: number;
  readonly tag: string;
}

export function createExchange(
  setup: { readonly instruments: readonly Instrument[]; readonly fees: FeeSchedule },
  saved?: ExchangeState,
): Exchange {
  const accounts = new Map<string, Account>();
  const working = new Map<number, WorkingOrder>();
  const listings = listBooks(setup.instruments, saved);
  const byKey = new Map(listings.map((one) => [keyOf(one.instrument.symbol, one.venue), one]));
  const ids = { order: saved?.nextOrderId ?? 1, fill: saved?.nextFillId ?? 1 };
  const now = {
    tick: 0,
    time: '',
    fills: new Array<Fill>(),
    cancelled: new Array<CancelledOrder>(),
  };
  for (const account of saved?.accounts ?? []) accounts.set(account.id, account);
  for (const order of saved?.working ?? []) working.set(order.id, order);
  const feeAccount = accounts.get(FEE_ACCOUNT) ?? openAccount(FEE_ACCOUNT, 'fees', 0);
  accounts.set(FEE_ACCOUNT, feeAccount);

  const accountOf = (id: string): Account => {
    const account = accounts.get(id);
    if (account === undefined) throw misuse(`There is no account "${id}": open it first.`);
    return account;
  };

  /** Books one side of a trade; agents' sides are also reported as fills. */
  const bookSide = (
    listing: Listing,
    trade: BookTrade,
    party: Taking & { counterparty: string; liquidity: Fill['liquidity'] },
  ): Fill => {
    const account = accountOf(party.owner);
    const { side, liquidity, counterparty, decisionId, orderId, tag } = party;
    const { price, quantity } = trade;
    const { symbol } = listing.instrument;
    const notional = price * quantity;
    const bps = liquidity === 'taker' ? setup.fees.takerBps : setup.fees.makerBps;
    const fee = feeOn(notional, bps);
    const realised = settle(account, { symbol, side, quantity, notional, fee });
    feeAccount.cash += fee;
    const { tick, time } = now;
    const { venue } = listing;
    const who = { orderId, decisionId, agentId: party.owner, tick, time, symbol, venue, side };
    const what = { price, quantity, notional, fee, realised, liquidity, counterparty, tag };
    const isAgent = account.role === 'agent';
    const fill = { id: isAgent ? ids.fill : 0, ...who, ...what };
    if (isAgent) {
      ids.fill += 1;
      now.fills.push(fill);
    }
    return fill;
  };

  const settleResting = (listing: Listing, trade: BookTrade, taking: Taking): void => {
    const order = working.get(trade.restingId);
    if (order === undefined && accountOf(trade.restingOwner).role === 'agent') {
      throw misuse(`Order ${trade.restingId} traded without being known as a working order.`);
    }
    bookSide(listing, trade, {
      orderId: trade.restingId,
      owner: trade.restingOwner,
      side: taking.side === 'buy' ? 'sell' : 'buy',
      decisionId: order?.decisionId ?? 0,
      tag: order?.request.tag ?? '',
      counterparty: taking.owner,
      liquidity: 'maker',
    });
    if (order === undefined) return;
    if (order.remaining === order.request.quantity) accountOf(order.agentId).tradesToday += 1;
    order.remaining -= trade.quantity;
    if (order.remaining === 0) working.delete(order.id);
  };

  const execute = (
    listing: Listing,
    taking: Taking,
    terms: { quantity: number; limit: Money | null; mayRest: boolean },
  ): { filled: number; notional: Money; fee: Money; bestPrice: Money; remaining: number } => {
    const { orderId: id, owner, side } = taking;
    const result = listing.book.submit({ id, owner, side, ...terms });
    for (const own of result.removed) leave(own.id, own.quantity, 'own-order-crossed');
    const sum = { filled: 0, notional: 0, fee: 0 };
    for (const trade of result.trades) {
      const party = { ...taking, counterparty: trade.restingOwner };
      const fill = bookSide(listing, trade, { ...party, liquidity: 'taker' });
      settleResting(listing, trade, taking);
      listing.last = trade.price;
      listing.volume += trade.quantity;
      sum.filled += trade.quantity;
      sum.notional += fill.notional;
      sum.fee += fill.fee;
    }
    return { ...sum, bestPrice: result.trades[0]?.price ?? 0, remaining: result.remaining };
  };

  const leave = (orderId: number, remaining: number, why: CancelledOrder['why']): void => {
    const order = working.get(orderId);
    if (order === undefined) return;
    working.delete(orderId);
    now.cancelled.push({ orderId, agentId: order.agentId, remaining, why });
  };

  const listingOf = (symbol: string, venue: Venue): Listing | undefined =>
    byKey.get(keyOf(symbol, venue));

  return {
    listings,
    accounts,
    working,
    beginTick(instant) {
      Object.assign(now, { ...instant, fills: [], cancelled: [] });
      for (const listing of listings) listing.volume = 0;
    },
    listing: listingOf,
    open(id, role, cash) {
      if (accounts.has(id)) throw misuse(`The account "${id}" exists already.`);
      if (!Number.isSafeInteger(cash)) throw misuse('Cash is a whole number of money units.');
      const account = openAccount(id, role, cash);
      accounts.set(id, account);
      return account;
    },
    retire(id) {
      const heir = accounts.get(ESTATE_ACCOUNT) ?? openAccount(ESTATE_ACCOUNT, 'estate', 0);
      accounts.set(ESTATE_ACCOUNT, heir);
      inherit(heir, accountOf(id));
      accounts.delete(id);
    },
    submit(agentId, decisionId, request) {
      const { symbol, venue, side, quantity, limit, kind, tag } = request;
      const listing = listingOf(symbol, venue);
      if (listing === undefined) throw misuse(`Nothing is listed as ${symbol} at ${venue}.`);
      const orderId = ids.order;
      ids.order += 1;
      const taking = { orderId, owner: agentId, side, decisionId, tag };
      const mayRest = kind === 'day';
      const done = execute(listing, taking, { quantity, limit, mayRest });
      if (done.filled > 0) accountOf(agentId).tradesToday += 1;
      listing.agentFlow += side === 'buy' ? done.notional : -done.notional;
      const resting = mayRest ? done.remaining : 0;
      if (resting > 0) {
        working.set(orderId, { id: orderId, agentId, decisionId, request, remaining: resting });
      }
      const { filled, notional, fee } = done;
      const slippage = Math.abs(notional - done.bestPrice * filled);
      return { orderId, decisionId, agentId, request, filled, notional, fee, resting, slippage };
    },
    background(owner, listing, { side, quantity, limit }) {
      const orderId = ids.order;
      ids.order += 1;
      const taking = { orderId, owner, side, decisionId: 0, tag: '' };
      execute(listing, taking, { quantity, limit, mayRest: limit !== null });
    },
    cancel(orderId, why) {
      const order = working.get(orderId);
      if (order === undefined) return false;
      listingOf(order.request.symbol, order.request.venue)?.book.cancel(orderId);
      leave(orderId, order.remaining, why);
      return true;
    },
    fills: () => now.fills,
    cancelled: () => now.cancelled,
    snapshot: () => ({
      nextOrderId: ids.order,
      nextFillId: ids.fill,
      accounts: [...accounts.values()].map((account) => structuredClone(account)),
      working: [...working.values()].map((order) => structuredClone(order)),
      books: listings.map(({ instrument, venue, book, mid, last, volume, agentFlow }) => {
        const { bids, asks } = book.orders();
        return { symbol: instrument.symbol, venue, bids, asks, mid, last, volume, agentFlow };
      }),
    }),
  };
}

/** The book's best prices; the mid is refreshed when both sides are there. */
export function quoteOf(listing: Listing): VenueQuote {
  const bid = listing.book.levels('buy', 1)[0];
  const ask = listing.book.levels('sell', 1)[0];
  if (bid !== undefined && ask !== undefined) {
    listing.mid = Math.floor((bid.price + ask.price) / 2);
  }
  return {
    venue: listing.venue,
    bid: bid?.price ?? null,
    bidSize: bid?.quantity ?? 0,
    ask: ask?.price ?? null,
    askSize: ask?.quantity ?? 0,
    mid: listing.mid,
    last: listing.last,
    volume: listing.volume,
  };
}

function keyOf(symbol: string, venue: Venue): string {
  return `${symbol}@${venue}`;
}

function listBooks(instruments: readonly Instrument[], saved?: ExchangeState): Listing[] {
  const books = new Map(saved?.books.map((book) => [keyOf(book.symbol, book.venue), book]));
  return instruments.flatMap((instrument) =>
    VENUES.map((venue): Listing => {
      const found = books.get(keyOf(instrument.symbol, venue));
      const { mid = 0, last = 0, volume = 0, agentFlow = 0 } = found ?? {};
      const book = createOrderBook(found);
      return { instrument, venue, book, mid, last, volume, agentFlow };
    }),
  );
}

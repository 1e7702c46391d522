// The exchange as plain JSON: its shape, and the schema that checks what storage gives back.
import { z } from 'zod';
import type { Account } from './account.ts';
import { VENUES, type Venue } from './instrument.ts';
import type { Money } from './money.ts';
import type { OrderRequest, WorkingOrder } from './order.ts';
import type { BookOrder } from './order-book.ts';

export type BookState = {
  symbol: string;
  venue: Venue;
  bids: BookOrder[];
  asks: BookOrder[];
  mid: Money;
  last: Money;
  volume: number;
  agentFlow: Money;
};

export type ExchangeState = {
  nextOrderId: number;
  nextFillId: number;
  accounts: Account[];
  working: WorkingOrder[];
  books: BookState[];
};

const money = z.int();
const count = z.int().min(0);
const side = z.enum(['buy', 'sell']);

const account: z.ZodType<Account> = z.object({
  id: z.string(),
  role: z.enum(['agent', 'maker', 'public', 'fees', 'estate']),
  startingCash: money,
  cash: money,
  realised: money,
  fees: money,
  tradesToday: count,
  positions: z.record(z.string(), z.object({ quantity: z.int(), cost: money })),
});

export const orderRequestSchema: z.ZodType<OrderRequest> = z.object({
  symbol: z.string(),
  venue: z.enum(VENUES),
  side,
  quantity: z.int().positive(),
  kind: z.enum(['market', 'ioc', 'day']),
  limit: money.nullable(),
  tag: z.string(),
});

const working: z.ZodType<WorkingOrder> = z.object({
  id: count,
  agentId: z.string(),
  decisionId: count,
  request: orderRequestSchema,
  remaining: z.int().positive(),
});

const bookOrder: z.ZodType<BookOrder> = z.object({
  id: count,
  owner: z.string(),
  side,
  price: money,
  quantity: z.int().positive(),
});

export const exchangeStateSchema: z.ZodType<ExchangeState> = z.object({
  nextOrderId: count,
  nextFillId: count,
  accounts: z.array(account),
  working: z.array(working),
  books: z.array(
    z.object({
      symbol: z.string(),
      venue: z.enum(VENUES),
      bids: z.array(bookOrder),
      asks: z.array(bookOrder),
      mid: money,
      last: money,
      volume: count,
      agentFlow: money,
    }),
  ),
});

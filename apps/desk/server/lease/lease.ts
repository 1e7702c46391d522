// Something that one node of many does: the market, above all. A row in the database says who, until when, by the
// database's clock; whoever does it beats before that. Owns claiming, beating, and noticing in time that it is lost.
// Refuses to own: what is done.
//
//   waiting ──row free──▶ held (fence) ──no beat got through in time, or another took it──▶ waiting
//      └────────────────────┴── release ──▶ over
//
// A holder that stands still (a frozen process, a clock that jumped) may go on for a moment after another took over:
// so each holding has a fence, one higher than the last, by which what it writes can be refused.

import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';

/** How long a holding lasts without a beat, ms: a dead holder's successor begins after that. */
export const LEASE_MS = 6_000;
/** Time between two beats, and at most between two looks of those who wait, ms. */
export const BEAT_MS = 2_000;
/** Those who wait look that much after what they wait for is over, ms. */
const AFTER_MS = 20;
/** A holder that could not beat gives up that long before its lease is over, ms. */
const MARGIN_MS = 1_000;

export interface Lease {
  /** Stops whatever is held, and lets the next one have it at once. Idempotent. */
  release(): Promise<void>;
}

/** Ends what was begun; `isLost`: somebody else may be doing it already. */
export type End = (isLost: boolean) => Promise<void>;

/** What is done by whoever holds. */
export interface LeaseHolding {
  /** Begins it. `isSure` tells at any moment whether nobody else can have begun. */
  hold(fence: number, isSure: () => boolean): Promise<End>;
  /** A claim, a beat or a beginning that failed; it is tried again. */
  onError(error: unknown): void;
}

export interface LeaseOptions extends LeaseHolding {
  /** What is done; one node at a time for each name. */
  readonly name: string;
  /** Unique to this start of this process. */
  readonly owner: string;
  /** Monotonic, ms. Default `performance.now`. */
  readonly now?: () => number;
}

/** For a database that only this process can open: held at once and for good, with a fence of 0. */
export async function soleLease({ hold }: Pick<LeaseHolding, 'hold'>): Promise<Lease> {
  const end = await hold(0, () => true);
  let ending: Promise<void> | null = null;
  return {
    release() {
      ending ??= end(false);
      return ending;
    },
  };
}

interface Held {
  readonly fence: number;
  /** Beginning takes a while, in which the lease is beaten for as always. */
  readonly begun: Promise<End>;
}

/** Needs the table `desk.leases`. The first claim has been made, and begun, when it resolves: a single node holds at once. */
export async function databaseLease(database: SqlDatabase, options: LeaseOptions): Promise<Lease> {
  const { name, owner, onError, now = () => performance.now() } = options;
  let held: Held | null = null;
  /** Until when nobody else can have it, by this process's clock. */
  let sureUntil = 0;
  let isOver = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void>;
  let firstBegun: Promise<End> | null = null;

  async function turn(): Promise<void> {
    let waitMs = BEAT_MS;
    try {
      if (held === null) waitMs = await claim();
      else await beat(held);
    } catch (error) {
      onError(error);
    }
    if (held !== null && now() >= sureUntil) await lose(held);
    if (!isOver) timer = setTimeout(() => void (running = turn()), waitMs);
  }

  /** How long to wait until the next beat, or the next look. */
  async function claim(): Promise<number> {
    // Counted from before the question: the answer may have been on its way for a while.
    const askedAt = now();
    const { fence, leftMs } = await claimRow(database, name, owner);
    if (fence === null) return Math.min(Math.max(0, leftMs) + AFTER_MS, BEAT_MS);
    if (isOver) return BEAT_MS;
    sureUntil = askedAt + LEASE_MS - MARGIN_MS;
    const isSure = (): boolean => held?.fence === fence && now() < sureUntil;
    const mine: Held = { fence, begun: options.hold(fence, isSure) };
    held = mine;
    firstBegun ??= mine.begun;
    mine.begun.catch(async (error: unknown) => {
      onError(error);
      if (held === mine) held = null;
      // Somebody else may be able to.
      await giveUpRow(database, name, owner, fence).catch(onError);
    });
    return BEAT_MS;
  }

  async function beat(mine: Held): Promise<void> {
    const askedAt = now();
    // An answer that does not come must not be waited for longer than the lease lasts.
    const late = setTimeout(() => void lose(mine), Math.max(0, sureUntil - askedAt));
    try {
      const isMine = await renewRow(database, name, owner, mine.fence);
      sureUntil = isMine ? askedAt + LEASE_MS - MARGIN_MS : 0;
    } finally {
      clearTimeout(late);
    }
  }

  async function lose(mine: Held): Promise<void> {
    if (held !== mine) return;
    held = null;
    await end(mine, true);
  }

  async function end({ begun }: Held, isLost: boolean): Promise<void> {
    try {
      await (await begun)(isLost);
    } catch (error) {
      onError(error);
    }
  }

  async function release(): Promise<void> {
    isOver = true;
    clearTimeout(timer);
    await running;
    const last = held;
    held = null;
    if (last === null) return;
    await end(last, false);
    await giveUpRow(database, name, owner, last.fence).catch(onError);
  }

  running = turn();
  await running;
  try {
    await (firstBegun as Promise<End> | null);
  } catch (error) {
    // A first beginning that fails is the starter's business; later ones are tried again.
    isOver = true;
    clearTimeout(timer);
    throw error;
  }
  let releasing: Promise<void> | null = null;
  return {
    release() {
      releasing ??= release();
      return releasing;
    },
  };
}

/**
 * For writing what only the holder may: locks the row until the transaction ends, so that nobody takes over in between.
 * @returns whether `fence` is the newest holding of that name
 */
export async function isStillHeld(
  tx: SqlTransaction,
  name: string,
  fence: number,
): Promise<boolean> {
  const rows = await tx.query(
    'select 1 from desk.leases where name = $1 and fence = $2::bigint for share',
    [name, fence],
  );
  return rows.length > 0;
}

interface Claim {
  /** Null while somebody else holds it. */
  readonly fence: number | null;
  /** How long that one's holding lasts without a beat. */
  readonly leftMs: number;
}

async function claimRow(database: SqlDatabase, name: string, owner: string): Promise<Claim> {
  const [row] = await database.query(
    `with claimed as (
      insert into desk.leases as kept (name, owner, fence, expires_at)
        values ($1, $2, 1, clock_timestamp() + $3::float8 * interval '1 millisecond')
        on conflict (name) do update
          set owner = excluded.owner, fence = kept.fence + 1, expires_at = excluded.expires_at
          where kept.expires_at < clock_timestamp() or kept.owner = excluded.owner
        returning fence
    )
    select (select fence::float8 from claimed) as fence,
      coalesce((select extract(epoch from expires_at - clock_timestamp())::float8 * 1000
        from desk.leases where name = $1), 0) as left_ms`,
    [name, owner, LEASE_MS],
  );
  const fence = row?.['fence'] ?? null;
  return { fence: fence === null ? null : Number(fence), leftMs: Number(row?.['left_ms'] ?? 0) };
}

async function renewRow(
  database: SqlDatabase,
  name: string,
  owner: string,
  fence: number,
): Promise<boolean> {
  // One that was late, but that nobody has taken meanwhile, is still its holder's.
  const rows = await database.query(
    `update desk.leases set expires_at = clock_timestamp() + $4::float8 * interval '1 millisecond'
      where name = $1 and owner = $2 and fence = $3::bigint returning 1 as renewed`,
    [name, owner, fence, LEASE_MS],
  );
  return rows.length > 0;
}

async function giveUpRow(
  database: SqlDatabase,
  name: string,
  owner: string,
  fence: number,
): Promise<void> {
  await database.query(
    `update desk.leases set expires_at = clock_timestamp() - interval '1 second'
      where name = $1 and owner = $2 and fence = $3::bigint`,
    [name, owner, fence],
  );
}

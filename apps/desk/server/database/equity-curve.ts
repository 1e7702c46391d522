// The equity curve of a run, thinned in the database: a month of a live run is some 260,000 points, and a page draws some
// hundreds. Of each stretch its lowest and its highest point stay, so no dip or peak is lost; and both ends.

import type { SqlDatabase, SqlRow } from '@millrace/server/postgres';
import type { User } from '../../shared/api.ts';
import type { EquityAnswer, EquityPointInfo } from '../../shared/trading.ts';
import { asUser } from './as-user.ts';
import { type RunPlace, requireRun } from './runs.ts';

/**
 * @param most points, 4 or more
 * @throws MillraceError `request/not-found`
 */
export function readEquity(
  database: SqlDatabase,
  user: User,
  { most, ...place }: RunPlace & { readonly most: number },
): Promise<EquityAnswer> {
  return asUser(database, user.id, async (tx) => {
    const run = await requireRun(tx, place);
    const [range] = await tx.query(
      `select count(*)::int as total, min(tick) as first, max(tick) as last
        from desk.equity_points where run_id = $1`,
      [run.id],
    );
    const total = Number(range?.['total'] ?? 0);
    if (total <= most) {
      const rows = await tx.query(
        'select tick, at, equity, cash from desk.equity_points where run_id = $1 order by tick',
        [run.id],
      );
      return { points: rows.map(toPoint), total };
    }
    const [first, last] = [Number(range?.['first']), Number(range?.['last'])];
    const rows = await tx.query(
      `with stretched as (
        select tick, at, equity, cash,
          (tick - $2::bigint) * $4::bigint / ($3::bigint - $2::bigint + 1) as stretch
        from desk.equity_points where run_id = $1
      ), ranked as (
        select *, row_number() over (partition by stretch order by equity, tick) as from_below,
          row_number() over (partition by stretch order by equity desc, tick) as from_above
        from stretched
      )
      select tick, at, equity, cash from ranked
        where from_below = 1 or from_above = 1 or tick in ($2, $3) order by tick`,
      [run.id, first, last, Math.floor((most - 2) / 2)],
    );
    return { points: rows.map(toPoint), total };
  });
}

function toPoint(row: SqlRow): EquityPointInfo {
  const at = row['at'];
  return {
    tick: Number(row['tick']),
    time: at instanceof Date ? at.toISOString() : String(at),
    equity: Number(row['equity']),
    cash: Number(row['cash']),
  };
}

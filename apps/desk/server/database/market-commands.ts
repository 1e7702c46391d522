// What people ask of the market, as rows in their order. The leader writes the tick into them; see floor/commands.ts.
// All of it as the server's own: no user's statement sees the table.

import { MillraceError } from '@millrace/protocol';
import type { SqlDatabase, SqlRow, SqlTransaction } from '@millrace/server/postgres';
import {
  type AssignedCommand,
  type MarketCommand,
  marketCommandSchema,
} from '../floor/commands.ts';
import type { MarketStore } from '../floor/market-store.ts';
import { isStillHeld } from '../lease/lease.ts';
import { FLOOR_MARKET_ID } from './market-rows.ts';

/** Who leads the market. */
export const FLOOR_LEASE = 'floor';

/** For those who count open runs and then add one: it ends with the transaction. Any number that nobody else uses. */
const OPENING_LOCK = 7_305_211_949;

export interface OpenRunLimits {
  readonly perUser: number;
  readonly all: number;
}

export function commandStore(database: SqlDatabase): Pick<MarketStore, 'commands' | 'assign'> {
  return {
    async commands(afterTick) {
      return readAll(
        await database.query(
          `select tick, body from desk.market_commands where market_id = $1 and tick > $2
            order by tick, number`,
          [FLOOR_MARKET_ID, afterTick],
        ),
      );
    },
    async assign({ tick, fence }) {
      // Nearly always there is nothing, and that takes one look.
      const [any] = await database.query(
        `select 1 as one from desk.market_commands
          where market_id = $1 and (tick is null or tick = $2) limit 1`,
        [FLOOR_MARKET_ID, tick],
      );
      if (any === undefined) return [];
      return database.transaction(async (tx) => {
        if (fence > 0 && !(await isStillHeld(tx, FLOOR_LEASE, fence))) {
          throw new Error('another node leads the market by now: this one assigns nothing');
        }
        await tx.query(
          'update desk.market_commands set tick = $2 where market_id = $1 and tick is null',
          [FLOOR_MARKET_ID, tick],
        );
        return readAll(
          await tx.query(
            `select tick, body from desk.market_commands where market_id = $1 and tick = $2
              order by number`,
            [FLOOR_MARKET_ID, tick],
          ),
        );
      });
    },
  };
}

export interface NewCommand {
  readonly ownerId: string;
  readonly modelId: string;
  readonly command: MarketCommand;
}

/** A second one to add or close the same agent is none. */
export async function insertCommand(
  tx: SqlTransaction,
  { ownerId, modelId, command }: NewCommand,
): Promise<void> {
  const { kind, agentId } = command;
  await tx.query(
    `insert into desk.market_commands
      (market_id, kind, owner_id, model_id, agent_id, body, is_open)
      values ($1, $2, $3, $4, $5, $6::jsonb, $7) on conflict do nothing`,
    [
      FLOOR_MARKET_ID,
      kind,
      ownerId,
      modelId,
      agentId,
      JSON.stringify(command),
      kind === 'add-agent',
    ],
  );
  if (kind !== 'close-agent') return;
  await tx.query(
    `update desk.market_commands set is_open = false where agent_id = $1 and kind = 'add-agent'`,
    [agentId],
  );
}

/**
 * Before a run is begun, in the same transaction: whoever else begins one waits until this one is there.
 * @throws MillraceError `request/conflict`
 */
export async function requireRoom(
  tx: SqlTransaction,
  ownerId: string,
  limits: OpenRunLimits,
): Promise<void> {
  await tx.query('select pg_advisory_xact_lock($1)', [OPENING_LOCK]);
  const [row] = await tx.query(
    `select count(*)::int as all, count(*) filter (where owner_id = $1)::int as own
      from desk.market_commands where is_open`,
    [ownerId],
  );
  if (Number(row?.['own']) >= limits.perUser) {
    throw new MillraceError(
      'request/conflict',
      `You have ${limits.perUser} runs going, as many as there may be at once. End one first.`,
    );
  }
  if (Number(row?.['all']) >= limits.all) {
    throw new MillraceError(
      'request/conflict',
      `${limits.all} runs of people's models are going, as many as this market takes. Try again when one has ended.`,
    );
  }
}

/** Whose the runs are that agents of the market are, by agent. */
export async function ownersOf(
  tx: SqlTransaction,
  agentIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await tx.query(
    `select agent_id, owner_id from desk.market_commands
      where kind = 'add-agent' and agent_id = any($1::text[])`,
    [agentIds],
  );
  return new Map(rows.map((row) => [String(row['agent_id']), String(row['owner_id'])]));
}

/** For a market that begins anew: what was carried out was so in another one. Gives the runs that are over with it. */
export async function forgetCarriedOut(
  tx: SqlTransaction,
): Promise<readonly { readonly runId: string; readonly ownerId: string }[]> {
  const rows = await tx.query(
    `delete from desk.market_commands where market_id = $1 and tick is not null
      returning kind, is_open, agent_id, owner_id`,
    [FLOOR_MARKET_ID],
  );
  return rows
    .filter((row) => row['kind'] === 'add-agent')
    .map((row) => ({ runId: String(row['agent_id']), ownerId: String(row['owner_id']) }));
}

/** A row that cannot be read (another version's) is skipped, as is a command that does not fit the market. */
function readAll(rows: readonly SqlRow[]): AssignedCommand[] {
  return rows.flatMap((row) => {
    const command = marketCommandSchema.safeParse(row['body']);
    return command.success ? [{ tick: Number(row['tick']), command: command.data }] : [];
  });
}

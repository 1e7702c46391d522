// Promise T15, the owner's death: one node holds a run at every place there is, and is killed (kill -9). Another one ends
// all of them; every viewer has what is stored, and no tool did anything twice.

import { startPostgres } from '@millrace/server/testing/servers';
import { DefaultChatTransport, readUIMessageStream } from 'ai';
import pg from 'pg';
import { expect, test } from 'vitest';
import { expectWithin } from '../support/timing.ts';
import { until } from '../support/wait.ts';
import { PLACES } from './script.ts';
import { makeTables, startNode } from './start-node.ts';

/** As a chat that is opened: with the SDK's own transport, to the end. */
async function view(url: string, runId: string): Promise<string> {
  const transport = new DefaultChatTransport({
    prepareReconnectToStreamRequest: () => ({ api: `${url}/ui/${runId}` }),
  });
  const stream = await transport.reconnectToStream({ chatId: runId });
  let text = '';
  if (stream === null) return text;
  for await (const { parts } of readUIMessageStream({ stream })) {
    text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
  }
  return text;
}

test('RUN-3, RUN-5, RUN-7, RUN-9, RUN-14, UI-1: whatever place an owner is killed at, each run ends once, all see what is stored, no tool did anything twice, and what the model was asked for is counted', async () => {
  await using server = await startPostgres();
  const database = server.url();
  const pool = new pg.Pool({ connectionString: database });
  await makeTables(pool);
  await using first = await startNode(database, 'yes');

  const places = Array.from({ length: PLACES }, (_, place) => place);
  const ids = await Promise.all(
    places.map(async (place) => (await fetch(`${first.url}/start/${place}`)).text()),
  );
  const isHeld = (place: number): boolean => first.stdout().includes(`held ${place}\n`);
  await until(() => places.every(isHeld), {
    label: 'every run to be held',
    deadlineMs: 40_000,
    details: () => places.filter((place) => !isHeld(place)).join(', ') + first.stderr(),
  });
  await using second = await startNode(database, 'no');
  const viewers = ids.map((id) => view(second.url, id));

  const killedAt = performance.now();
  await first.kill('SIGKILL');
  const texts = await Promise.all(viewers);
  const tookMs = Math.round(performance.now() - killedAt);
  const late = await Promise.all(ids.map((id) => view(second.url, id)));

  const stored = new Map<string, string>();
  for (const row of (await pool.query('select run_id, text from messages')).rows as {
    run_id: string;
    text: string;
  }[]) {
    stored.set(row.run_id, row.text);
  }
  const { rows: statuses } = await pool.query(
    'select distinct status, fence from millrace.ai_runs',
  );
  const { rows: made } = await pool.query(
    'select key, count(*)::int as times from made group by key',
  );
  // Each time the model counts 10 tokens for what it is asked.
  const { rows: uncounted } = await pool.query(
    `select id, input_tokens from millrace.ai_runs
      where input_tokens < 10 * (select count(*) from asked where run_id = id)`,
  );
  const { rowCount: asks } = await pool.query('select from asked');
  await pool.end();
  console.info(`${ids.length} runs ended ${tookMs} ms after their owner was killed`);
  expect(statuses).toEqual([{ status: 'completed', fence: 2 }]);
  expect(texts).toEqual(ids.map((id) => stored.get(id)));
  expect(late).toEqual(texts);
  // Where nobody knows whether the tool did its work, it is not done again, and the model is told so.
  expect(new Set(texts)).toEqual(
    new Set([
      'Counting trades. It made 23 trades, 😀.',
      'Counting trades. It made unknown trades, 😀.',
    ]),
  );
  expect(texts.filter((text) => text.includes('unknown'))).toHaveLength(2);
  expect(made.every(({ times }) => times === 1)).toBe(true);
  expect(made).toHaveLength(ids.length - 1);
  expect(uncounted).toEqual([]);
  expect(asks).toBeGreaterThan(2 * ids.length);
  expect(second.stderr()).toBe('');
  expectWithin(tookMs, 10_000, 'the takeover');
});

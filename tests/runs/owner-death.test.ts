// The official clients while the node that writes their answers is killed (kill -9), in the middle of a step that has to
// begin anew: each ends with what is stored, whether its protocol can take words back or it has to come again.

import { startPostgres } from '@millrace/server/testing/servers';
import pg from 'pg';
import { expect, test } from 'vitest';
import { until } from '../support/wait.ts';
import { CLIENTS } from './clients.ts';
import { ANSWER, HALF, HALF_PLACE } from './script.ts';
import { makeTables, startNode } from './start-node.ts';

/** These can take back what a step had said; the others are cut off, and come again. */
const STAYS = /useChat of ai 7|HttpAgent|plain/;

test('RUN-7, UI-3, OAI-3, AGUI-3, PLAINRUN-3: the owner is killed in the middle: every client ends with what is stored', async () => {
  await using server = await startPostgres();
  const database = server.url();
  const pool = new pg.Pool({ connectionString: database });
  await makeTables(pool);
  await using first = await startNode(database, 'yes');
  const chats = CLIENTS.map(({ name }) => `join-${name.replaceAll(/[^a-z0-9]+/gi, '-')}`);
  const runIds = await Promise.all(
    chats.map(async (chat) => (await fetch(`${first.url}/start/${HALF_PLACE}/${chat}`)).text()),
  );
  const held = () => first.stdout().split(`held ${HALF_PLACE}\n`).length - 1;
  await until(() => held() === chats.length, {
    ...{ label: 'every run to be held', deadlineMs: 40_000, details: () => first.stderr() },
  });
  await using second = await startNode(database, 'no');
  const readers = CLIENTS.map(({ open }, index) => open(second.url, chats[index] ?? ''));
  const asked = readers.map((reader) => reader.ask());
  await until(() => readers.every((reader) => reader.text() === HALF), {
    ...{ label: 'half of each answer', deadlineMs: 30_000 },
    details: () => readers.map((reader) => reader.text()).join('\n') + second.stderr(),
  });

  await first.kill('SIGKILL');
  const stayed = await Promise.all(asked);
  expect(stayed).toEqual(CLIENTS.map(({ name }) => STAYS.test(name)));
  const back = readers.filter((_, index) => stayed[index] === false).map((one) => one.again());
  expect(new Set(await Promise.all(back))).toEqual(new Set([true]));

  const { rows } = await pool.query('select run_id, text from messages');
  const { rows: made } = await pool.query('select key from made');
  await pool.end();
  const stored = new Map(rows.map(({ run_id, text }) => [String(run_id), String(text)]));
  expect(readers.map((reader) => reader.text())).toEqual(runIds.map((id) => stored.get(id)));
  expect(new Set(stored.values())).toEqual(new Set([ANSWER]));
  expect(readers.map((reader) => reader.answers())).toEqual(CLIENTS.map(() => 1));
  // The tool had its effect once for each: its step had ended.
  expect(made).toHaveLength(CLIENTS.length);
  expect(second.stderr()).toBe('');
});

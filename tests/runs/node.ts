// One node of a few that answer: a hub on PostgreSQL and its share of the runs, as a process that can be killed. With
// `HOLDS=yes` it stops at the place that each question names, for good, and says `held`. `/start` and `/ui/<run>`.

import { createServer } from 'node:http';
import { createRuns, serveUiStream } from '@millrace/ai';
import { aiRuns, conversations, textOfRun } from '@millrace/protocol/runs';
import { createHub } from '@millrace/server';
import { postgresDatabase, postgresEngine } from '@millrace/server/postgres';
import pg from 'pg';
import { scripted } from './script.ts';

interface Question {
  readonly hold: number;
}

const say = (error: Error): void => console.error(error.message);
const pool = new pg.Pool({ connectionString: process.env['DATABASE'], max: 40 });
const database = postgresDatabase({ pool, onError: say });
const hub = createHub({
  engine: postgresEngine({ database }),
  contracts: [aiRuns, conversations],
  authorize: () => true,
  onError: say,
});
const holds = process.env['HOLDS'] === 'yes';

function hold(question: Question, place: number): Promise<void> {
  if (!holds || place !== question.hold) return Promise.resolve();
  console.log(`held ${place}`);
  return new Promise(() => undefined);
}

/** What the tool did to the world: once for each key, or it is seen. */
async function effect(key: string): Promise<number> {
  await database.query('insert into made (key) values ($1)', [key]);
  return 23;
}

const scriptOf = (runId: string, question: unknown) =>
  scripted((place) => hold(question as Question, place), {
    effect,
    async onAsked() {
      await database.query('insert into asked (run_id) values ($1)', [runId]);
    },
  });

const runs = await createRuns({
  hub,
  database,
  onError: say,
  answer(run) {
    const { model, tools } = scriptOf(run.id, run.question);
    return { model, tools, messages: [{ role: 'user', content: 'How many trades?' }] };
  },
  async onEnd(tx, run, state) {
    await tx.query('insert into messages (run_id, text) values ($1, $2)', [
      run.id,
      textOfRun(state),
    ]);
    await scriptOf(run.id, run.question).ending();
  },
});

const server = createServer((request, response) => {
  const [, what, id = ''] = (request.url ?? '').split('/');
  if (what === 'ui') {
    serveUiStream(hub, response, { runId: id, version: 7 }).catch(say);
    return;
  }
  const question = { hold: Number(id) };
  runs.start({ conversationId: `place-${id}`, userId: 'ada', question }).then(
    ({ run }) => response.end(run.id),
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
});
server.listen(Number(process.env['PORT']), '127.0.0.1', () => console.log('listening'));

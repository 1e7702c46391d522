// How long after a question does its answer begin on the page, and end?
//
// Desk as `npm start` runs it, its Runs page in Chromium: from the click on Send to the first letter that is drawn, and to
// the line that says that the answer is complete, both seen from inside the page. Answered by the built-in analyst, and
// by a model behind HTTP that says nothing for a while; by that also to a client without a page, since a browser that
// draws takes a core of the two.

import { createModelServer, type ModelServer } from '@millrace/ai/testing';
import { createClient } from '@millrace/client';
import { aiRuns, isFinalStatus, textOfRun } from '@millrace/protocol/runs';
import { openChromium, type TestPage } from '@millrace/tests';
import type { Bench, BenchOptions, Findings } from './lib/bench.ts';
import { startDesk } from './lib/desk.ts';
import { median } from './lib/statistics.ts';

/** Of the model behind HTTP, until it says its first word. */
const thinkingMs = 300;
const questionsEach = 4;

export const firstAnswer: Bench = {
  name: 'first-answer',
  question: "How long after a question does its answer begin on Desk's page, and end?",
  method: `Desk on its embedded defaults with its market at work, the Runs page in Chromium; from the click on Send to the first letter in the page, and to the line that says that the answer is complete. The built-in analyst: the first question of a Desk that has just started, then the median of ${questionsEach} more in each run. A model behind HTTP that says its first word after ${thinkingMs} ms: what a reader has it later than that, on the page and, the page closed, through the client library. All share two cores.`,
  run,
};

async function run({ runs = 5 }: BenchOptions): Promise<Findings> {
  await using models = await createModelServer({
    answer: () => ({
      text: Array.from({ length: 40 }, (_, n) => `word${n} `),
      everyMs: 20,
      fault: { is: 'slow', afterMs: thinkingMs },
    }),
  });
  await using chromium = await openChromium();
  const figures: Record<'cold' | 'first' | 'whole', number[]> = { cold: [], first: [], whole: [] };
  const onPage = newOverheads();
  const atClient = newOverheads();
  for (let round = 0; round < runs; round += 1) {
    await using desk = await startDesk();
    await setModel(desk.url, 'gemini_grid', models.url);
    {
      await using user = await chromium.newPage({ viewport: { width: 1_600, height: 1_000 } });
      await openChat(user, `${desk.url}/runs/chatgpt_openai`);
      figures.cold.push((await ask(user, 'Why did this run lose money?')).firstMs);
      const builtIn = await askAgain(user);
      figures.first.push(median(builtIn.map(({ firstMs }) => firstMs)));
      figures.whole.push(median(builtIn.map(({ wholeMs }) => wholeMs)));
      await openChat(user, `${desk.url}/runs/gemini_grid`);
      await ask(user, 'Are you there?');
      addOverheads(onPage, await askAgain(user), models.requests.slice(-questionsEach));
      user.assertNoErrors();
    }
    addOverheads(atClient, await askWithoutPage(desk.url), models.requests.slice(-questionsEach));
  }
  return {
    figures: [
      {
        label: 'built-in analyst, first letter',
        unit: 'ms',
        values: figures.first,
        goal: { atMost: 500 },
      },
      { label: '… of the first question of all', unit: 'ms', values: figures.cold },
      {
        label: 'built-in analyst, whole answer',
        unit: 'ms',
        values: figures.whole,
        goal: { atMost: 5_000 },
      },
      ...figuresOf('a model behind HTTP, first letter on the page', onPage),
      ...figuresOf('… first letter at a client without a page', atClient),
    ],
  };
}

/** What is not the model's own time, ms: the medians of each run. */
interface Overheads {
  /** From the question to the model's first request. */
  readonly asking: number[];
  /** From its first word to the reader. */
  readonly reading: number[];
  readonly both: number[];
}

function newOverheads(): Overheads {
  return { asking: [], reading: [], both: [] };
}

/** The model's clock and the page's are both since 1970. */
function addOverheads(
  overheads: Overheads,
  asked: readonly Omit<Asked, 'wholeMs'>[],
  requests: ModelServer['requests'],
): void {
  const since = (atMs: number | null | undefined, askedAt: number): number =>
    performance.timeOrigin + (atMs ?? Number.NaN) - askedAt;
  const asking = asked.map(({ askedAt }, n) => since(requests[n]?.atMs, askedAt));
  const reading = asked.map(
    ({ askedAt, firstMs }, n) => firstMs - since(requests[n]?.saidAtMs, askedAt),
  );
  overheads.asking.push(median(asking));
  overheads.reading.push(median(reading));
  overheads.both.push(median(asking.map((ms, n) => ms + (reading[n] ?? Number.NaN))));
}

function figuresOf(what: string, { asking, reading, both }: Overheads): Findings['figures'] {
  return [
    {
      label: `${what}, above the time that it takes itself`,
      unit: 'ms',
      values: both,
      goal: { atMost: 50 },
    },
    { label: '… … of this until it is asked', unit: 'ms', values: asking },
    { label: '… … and from its first word to the letter', unit: 'ms', values: reading },
  ];
}

/** As the page does it: a request, and the run's channel over a WebSocket. */
async function askWithoutPage(url: string): Promise<Omit<Asked, 'wholeMs'>[]> {
  const { id } = await post(`${url}/api/chat/sessions`, {
    modelId: 'gemini_grid',
    runId: 'latest',
  });
  const client = createClient({ url: `${url}/realtime` });
  const asked: Omit<Asked, 'wholeMs'>[] = [];
  for (let n = 0; n < questionsEach; n += 1) {
    const startedAt = performance.now();
    const { runId } = await post(`${url}/api/chat/${String(id)}/runs`, {
      text: 'How risky was this run?',
    });
    const first = Promise.withResolvers<number>();
    const whole = Promise.withResolvers<void>();
    const leave = client.subscribe(aiRuns.of({ runId: String(runId) }), {
      start: 'start',
      onState(state) {
        if (textOfRun(state).trim() !== '') first.resolve(performance.now() - startedAt);
        if (state.status === 'completed') return whole.resolve();
        if (!isFinalStatus(state.status)) return;
        const error = new Error(`the answer is ${state.status}: ${state.error}`);
        first.reject(error);
        whole.reject(error);
      },
    });
    const askedAt = performance.timeOrigin + startedAt;
    asked.push({ askedAt, firstMs: await first.promise });
    await whole.promise;
    leave();
  }
  await client.close();
  return asked;
}

async function post(url: string, body: object): Promise<Readonly<Record<string, unknown>>> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url} is refused: ${await response.text()}`);
  const answer: unknown = await response.json();
  return answer as Readonly<Record<string, unknown>>;
}

interface Asked {
  /** Of the click, ms since 1970. */
  readonly askedAt: number;
  readonly firstMs: number;
  readonly wholeMs: number;
}

async function askAgain(user: TestPage): Promise<readonly Asked[]> {
  const asked: Asked[] = [];
  for (let n = 0; n < questionsEach; n += 1) asked.push(await ask(user, 'How risky was this run?'));
  return asked;
}

async function openChat({ page }: TestPage, url: string): Promise<void> {
  await page.goto(url);
  await page.getByRole('textbox', { name: 'Your question' }).waitFor();
}

async function ask({ page }: TestPage, question: string): Promise<Asked> {
  await page.getByRole('textbox', { name: 'Your question' }).fill(question);
  const before = await page.getByRole('article', { name: 'Answer' }).count();
  return page.evaluate(
    (answersBefore) =>
      new Promise<Asked>((resolve, reject) => {
        const button = [...document.querySelectorAll('button')].find(
          (one) => one.getAttribute('aria-label') === 'Send' || one.textContent.trim() === 'Send',
        );
        let firstMs: number | null = null;
        const askedAt = performance.now();
        const look = (): void => {
          const answers = document.querySelectorAll('article[aria-label="Answer"]');
          if (answers.length <= answersBefore) return;
          const now = performance.now() - askedAt;
          const text = answers[answers.length - 1]?.querySelector('.mr-md')?.textContent ?? '';
          if (firstMs === null && text.trim() !== '') firstMs = now;
          if (firstMs === null || !document.body.textContent.includes('The answer is complete.')) {
            return;
          }
          seen.disconnect();
          resolve({ askedAt: performance.timeOrigin + askedAt, firstMs, wholeMs: now });
        };
        const seen = new MutationObserver(look);
        seen.observe(document.body, { subtree: true, childList: true, characterData: true });
        setTimeout(() => reject(new Error(`no answer: ${document.body.textContent}`)), 30_000);
        button?.click();
      }),
    before,
  );
}

/** The AI of this model of Desk's from now on. */
async function setModel(url: string, id: string, baseUrl: string): Promise<void> {
  const response = await fetch(`${url}/api/models/${id}/ai`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ baseUrl, aiModel: 'slow', key: 'a-key-of-the-bench' }),
  });
  if (!response.ok) throw new Error(`the AI of ${id} could not be set: ${await response.text()}`);
}

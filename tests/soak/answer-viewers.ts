// Who watches an answer in the soak of answers: every official client, our own, and pages in Chromium, each behind a
// network of its own that cuts it off again and again, and coming back as its users have it come back.

import { type Client, createClient } from '@millrace/client';
import { aiRuns, EMPTY_RUN, type RunState, textOfRun } from '@millrace/protocol/runs';
import type { Client as OfficialClient } from '../runs/clients.ts';
import type { Chromium } from '../support/chromium.ts';
import { createFaultyProxy } from '../support/faulty-proxy.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import { until } from '../support/wait.ts';

export interface Viewer extends AsyncDisposable {
  readonly name: string;
  /** How often it was cut off in the middle of something. */
  readonly cuts: number;
  text(): string;
  /** Cuts it off, if it has a line just now. */
  cut(): void;
  /** Resolves once it has been told of the end. */
  readonly done: Promise<void>;
}

export interface ViewerOptions {
  readonly targets: readonly { readonly host: string; readonly port: number }[];
  readonly random: SeededRandom;
  readonly chat: string;
  readonly runId: string;
  /** Whether the answer is over, and this is what is stored of it. */
  isStored(text: string): Promise<boolean>;
}

const HOW = ['rst', 'fin'] as const;
/** A user whose answer stopped looks again this soon, ms. */
const AGAIN_MS = [50, 400] as const;

/** One way through to any of the nodes, drawn anew for each request. */
async function openLine({ targets, random }: ViewerOptions) {
  const network = await createFaultyProxy({ target: targets, seed: random.between(1, 1e9) });
  let cuts = 0;
  return {
    network,
    get cuts() {
      return cuts;
    },
    cut() {
      if (network.cutAll({ how: random.pick(HOW) }) > 0) cuts += 1;
    },
  };
}

export async function openReader(client: OfficialClient, options: ViewerOptions): Promise<Viewer> {
  const { random, chat } = options;
  const line = await openLine(options);
  const reader = client.open(line.network.url, chat);
  let isClosed = false;
  async function read(): Promise<void> {
    let isWhole = await reader.ask().catch(() => false);
    // An answer that could not be finished is told as an error: nobody asks for the same again then.
    while (!isWhole && !isClosed && !(await options.isStored(reader.text()))) {
      await new Promise((resolve) => setTimeout(resolve, random.between(...AGAIN_MS)));
      isWhole = await reader.again().catch(() => false);
    }
  }
  return {
    name: client.name,
    get cuts() {
      return line.cuts;
    },
    ...{ text: reader.text, cut: line.cut, done: read() },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      await line.network.close();
    },
  };
}

/** Our own client, which needs nobody to bring it back; every other cut ends it, and another one begins, as in a new tab. */
export async function openNative(options: ViewerOptions): Promise<Viewer & { state(): RunState }> {
  const line = await openLine(options);
  const done = Promise.withResolvers<void>();
  let state: RunState = EMPTY_RUN;
  let restarts = 0;
  function begin(): Client {
    const client = createClient({ url: `${line.network.url}/realtime`, onError: () => undefined });
    client.subscribe(aiRuns.of({ runId: options.runId }), {
      start: 'start',
      onState(now) {
        state = now;
      },
      onEnd: () => done.resolve(),
    });
    return client;
  }
  let client = begin();
  return {
    name: '@millrace/client',
    get cuts() {
      return line.cuts + restarts;
    },
    ...{ text: () => textOfRun(state), state: () => state, done: done.promise },
    cut() {
      if (options.random.next() < 0.5) {
        line.cut();
        return;
      }
      restarts += 1;
      void client.close();
      client = begin();
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      await line.network.close();
    },
  };
}

/**
 * A page: one of the AI SDK's is loaded anew when it was cut off, as only its user can bring it back; an EventSource comes
 * back by itself.
 */
export async function openPage(
  chromium: Chromium,
  client: string,
  options: ViewerOptions,
): Promise<Viewer> {
  const { chat } = options;
  const line = await openLine(options);
  const tab = await chromium.newPage();
  const { page } = tab;
  const address = `${line.network.url}/page?client=${encodeURIComponent(client)}&chat=${chat}`;
  const isNative = client === 'EventSource';
  let isClosed = false;
  let text = '';
  let reloads = 0;

  async function load(): Promise<void> {
    await until(async () => isClosed || (await page.goto(address).then(isThere, () => false)), {
      label: 'the page',
      deadlineMs: 30_000,
    });
    if (isNative) await page.getByRole('button').click();
  }
  /** Loaded, script and all: a cut may have come between. */
  async function isThere(): Promise<boolean> {
    return page
      .locator('main')
      .waitFor({ timeout: 3_000 })
      .then(
        () => true,
        () => false,
      );
  }
  async function read(isOver: (text: string) => Promise<boolean>): Promise<void> {
    await load();
    while (!isClosed) {
      await new Promise((resolve) => setTimeout(resolve, 150));
      const shown = await page
        .evaluate(() => ({
          status: document.querySelector('main')?.dataset['status'] ?? '',
          text: [...document.querySelectorAll('p')].map((one) => one.textContent).join('|'),
        }))
        .catch(() => null);
      if (shown === null) continue;
      text = shown.text;
      if (await isOver(text)) return;
      // Broken off, or over for this page: `resume` says which.
      if (isNative || shown.status === 'streaming' || shown.status === 'submitted') continue;
      reloads += 1;
      await load();
    }
  }
  return {
    name: `${client}, in Chromium`,
    get cuts() {
      return isNative ? line.cuts : reloads;
    },
    ...{ text: () => text, cut: line.cut },
    done: read((shown) => options.isStored(shown)),
    async [Symbol.asyncDispose]() {
      isClosed = true;
      await tab.close();
      await line.network.close();
    },
  };
}

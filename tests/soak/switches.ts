// One run of promise T4: sessions that must change their carrier again and again under a stream of events. Each client
// has a network of its own, which lets through the carrier that was drawn and no other. Most changes cut the old
// carrier; the others wait for the client to migrate by itself, on a clock that runs faster. Owns the run; the verdict
// is a list of problems.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Carrier, Client, PageChange } from '@millrace/client';
import { numbers, recordNumbers, startMatrixHub, type Transcript } from '../matrix/matrix-hub.ts';
import { createFaultyProxy, type FaultyProxy } from '../support/faulty-proxy.ts';
import type { Rules } from '../support/proxy/rules.ts';
import { createSeededRandom, type SeededRandom } from '../support/seeded-random.ts';
import { until } from '../support/wait.ts';

export interface SwitchesOptions {
  readonly seed: number;
  /** Over all clients together. */
  readonly switches: number;
  readonly clients: number;
  readonly eventsPerSecond: number;
}

export interface SwitchesReport {
  readonly seed: number;
  readonly published: number;
  /** From one carrier to another, as the statuses told. */
  readonly switches: number;
  /** Of these, without a moment without a link. */
  readonly migrations: number;
  readonly seconds: number;
  readonly problems: readonly string[];
}

const carriers: readonly Carrier[] = ['websocket', 'sse', 'poll'];
const blocked = { mode: 'status', status: 403 } as const;
/** Enough that a migration comes within half a second, little enough that a busy moment is no silence. */
const FASTER = 10;

export async function runSwitches(options: SwitchesOptions): Promise<SwitchesReport> {
  const { seed, clients, eventsPerSecond } = options;
  const random = createSeededRandom(seed);
  const beganAt = performance.now();
  await using server = await startMatrixHub();
  const channel = numbers.of({ name: 'switching' });
  await using stack = new AsyncDisposableStack();
  const target = { host: '127.0.0.1', port: Number(new URL(server.directUrl).port) };
  const switchers: Switcher[] = [];
  for (let index = 0; index < clients; index += 1) {
    const network = stack.use(await createFaultyProxy({ target, seed: seed + index }));
    switchers.push(stack.use(createSwitcher(network, random.fork(index))));
  }

  let published = 0;
  const halt = new AbortController();
  async function publish(): Promise<void> {
    const startedAt = performance.now();
    while (!halt.signal.aborted) {
      const due = Math.floor(((performance.now() - startedAt) / 1_000) * eventsPerSecond);
      const events = Array.from({ length: due - published }, (_, index) => ({
        channel,
        event: { type: 'counted', data: { n: published + index + 1 } },
      }));
      published += events.length;
      await server.hub.publishMany(events);
      await sleep(4);
    }
  }
  const publishing = publish();
  await Promise.all(
    switchers.map((one) => one.run(() => sum(switchers, 'switches') < options.switches)),
  );
  halt.abort();
  await publishing;
  const problems = (await Promise.all(switchers.map((one) => one.compare(published)))).flat();
  return {
    seed,
    published,
    switches: sum(switchers, 'switches'),
    migrations: sum(switchers, 'migrations'),
    seconds: Math.round((performance.now() - beganAt) / 100) / 10,
    problems: problems.map((problem) => `seed ${seed}: ${problem}`),
  };
}

interface Switcher extends AsyncDisposable {
  readonly switches: number;
  readonly migrations: number;
  run(goesOn: () => boolean): Promise<void>;
  compare(published: number): Promise<readonly string[]>;
}

function createSwitcher(network: FaultyProxy, random: SeededRandom): Switcher {
  let tell: (change: PageChange) => void = () => undefined;
  const transcript = recordNumbers('switching', {
    url: `${network.url}/realtime`,
    environment: {
      ...fasterClock(FASTER),
      watchPage(listener) {
        tell = listener;
        return () => undefined;
      },
    },
  });
  const { client } = transcript;
  let last: Carrier | null = null;
  let wasWithout = false;
  let switches = 0;
  let migrations = 0;
  client.status.subscribe(() => {
    const now = carrierOf(client);
    wasWithout ||= now === null;
    if (now === null || now === last) return;
    if (last !== null) switches += 1;
    if (last !== null && !wasWithout) migrations += 1;
    last = now;
    wasWithout = false;
  });

  async function change(): Promise<void> {
    const wanted = random.pick(carriers.filter((one) => one !== last));
    const isCut = random.next() < 0.75;
    network.setRules(only(wanted));
    // A change of channels is a new link on SSE and poll, beside the old one.
    const leave = random.next() < 0.3 ? followAside(client) : null;
    if (isCut || carriers.indexOf(wanted) > carriers.indexOf(last ?? 'websocket')) {
      network.cutAll({ how: random.pick(['rst', 'fin']) });
      await until(() => carrierOf(client) === null, { label: 'the loss', deadlineMs: 5_000 }).catch(
        () => undefined,
      );
      // A new network: what was found out about the carriers on the last one is void, so a migration is due soon.
      tell('offline');
      tell('online');
    }
    await until(() => carrierOf(client) === wanted, { label: wanted, deadlineMs: 1_000 }).catch(
      // A migration is not due yet, or the carrier is left aside for a while: the next draw is as good.
      () => network.cutAll({ how: 'rst' }),
    );
    leave?.();
    await sleep(random.between(0, 40));
  }

  return {
    get switches() {
      return switches;
    },
    get migrations() {
      return migrations;
    },
    async run(goesOn) {
      await until(() => last !== null, { label: 'a first link' });
      while (goesOn()) await change();
      network.setRules({});
    },
    async compare(published) {
      const { story, errors } = transcript;
      await until(() => transcript.seen.length >= published, {
        label: `${published} events`,
      }).catch(() => undefined);
      return [...errors, ...firstSlip(story, published)];
    },
    [Symbol.asyncDispose]: () => transcript[Symbol.asyncDispose](),
  };
}

/** `exact`, then every offset once and in order: the first place where that is not so, in words. */
function firstSlip(story: Transcript['story'], published: number): readonly string[] {
  const at = story.findIndex((one, index) => one !== (index === 0 ? 'exact' : index));
  if (at >= 0) return [`${story.slice(Math.max(0, at - 3), at + 4).join(', ')} at place ${at}`];
  return story.length === published + 1 ? [] : [`${story.length - 1} events of ${published}`];
}

function only(carrier: Carrier): Rules {
  return {
    ...(carrier === 'websocket' ? {} : { websocket: blocked }),
    ...(carrier === 'sse' ? {} : { stream: blocked }),
    ...(carrier === 'poll' ? {} : { poll: blocked }),
  };
}

function followAside(client: Client): () => void {
  return client.subscribe(numbers.of({ name: 'aside' }), { start: 'now' });
}

function carrierOf(client: Client): Carrier | null {
  const status = client.status.getSnapshot();
  return status.status === 'open' ? status.transport : null;
}

function fasterClock(times: number) {
  const startedAt = Date.now();
  return {
    now: () => Math.round(startedAt + (Date.now() - startedAt) * times),
    setTimer(callback: () => void, ms: number) {
      const timer = setTimeout(callback, ms / times);
      return () => clearTimeout(timer);
    },
  };
}

function sum(switchers: readonly Switcher[], what: 'switches' | 'migrations'): number {
  return switchers.reduce((total, one) => total + one[what], 0);
}

// The trouble of a run, beside what the network does to clients: nodes are killed, the engine freezes, restarts and fails
// over, a node is cut off from it, clocks jump. Owns when it happens, by the seed, and the record of it; what each fault
// is, the engine and the fleet know.

import { setTimeout as sleep } from 'node:timers/promises';
import { createSeededRandom, type SeededRandom } from '../support/seeded-random.ts';
import { until } from '../support/wait.ts';
import { pause } from './engines/pause.ts';
import type { EngineFault, Harm, TestedEngine } from './engines/tested-engine.ts';
import type { Fleet, Node } from './fleet.ts';
import type { Ghost, PresenceWatch, Span } from './presence-watch.ts';

export interface TroubleTimes {
  readonly killEveryMs: number;
  /** Between two faults of the engine, and between two cuts of a node from it. */
  readonly engineEveryMs: readonly [from: number, to: number];
  readonly cutForMs: readonly [from: number, to: number];
}

export interface TroubleOptions {
  readonly seed: number;
  readonly durationMs: number;
  readonly times: TroubleTimes;
  readonly fleet: Fleet;
  readonly engine: TestedEngine;
  readonly presence: PresenceWatch;
  readonly onNodes: () => void;
  readonly say: (line: string) => void;
}

export interface TroubleRecord {
  readonly counts: ReadonlyMap<string, number>;
  /** When the engine, or a node's way to it, was not whole. */
  readonly outages: readonly Span[];
  readonly ghosts: readonly Ghost[];
  /** Epochs that it may have brought, at most. */
  readonly newEpochs: number;
  /** When the last fault was over that may have taken something, ms since 1970; 0 for none. */
  readonly lossUntilMs: number;
  /** The most connections a second that a node asked for while it was cut off, for each of its links. */
  readonly dialsPerSecond: number;
  readonly problems: readonly string[];
}

/** Backoff of 100 ms at least, several connections, and the first tries of each. */
const MOST_DIALS_PER_SECOND = 40;

/** Resolves when the time is over, every node runs and the engine is whole. */
export async function makeTrouble(options: TroubleOptions): Promise<TroubleRecord> {
  const { seed, durationMs, times, fleet, engine, presence, onNodes, say } = options;
  const root = createSeededRandom(seed);
  const counts = new Map<string, number>();
  const outages: Span[] = [];
  const ghosts: Ghost[] = [];
  const problems: string[] = [];
  let newEpochs = 0;
  let lossUntilMs = 0;
  let dialsPerSecond = 0;
  const beganAt = Date.now();
  const isOver = (): boolean => Date.now() - beganAt >= durationMs;

  function note(what: string): void {
    counts.set(what, (counts.get(what) ?? 0) + 1);
    say(`${((Date.now() - beganAt) / 1_000).toFixed(1)} s: ${what}`);
  }

  function harmed(harm: Harm): void {
    newEpochs += harm.newEpochs;
    if (harm.loses) lossUntilMs = Date.now();
  }

  async function during(work: () => Promise<void>): Promise<void> {
    const span: Span = { fromMs: Date.now(), untilMs: Number.POSITIVE_INFINITY };
    outages.push(span);
    await work();
    span.untilMs = Date.now();
  }

  /** Again and again after a drawn time, until the time is over. */
  async function repeat(
    part: number,
    everyMs: readonly [number, number],
    act: (random: SeededRandom) => Promise<void>,
  ): Promise<void> {
    const random = root.fork(part);
    for (;;) {
      const waitMs = random.between(...everyMs);
      if (Date.now() + waitMs - beganAt >= durationMs) break;
      await sleep(waitMs);
      await act(random);
      if (isOver()) break;
    }
  }

  let victim: { readonly node: Node; readonly ghost: Ghost } | null = null;
  async function chooseVictim(random: SeededRandom): Promise<void> {
    const node = random.pick(fleet.nodes);
    const ghost = await presence.haunt(node);
    ghosts.push(ghost);
    victim = { node, ghost };
  }

  async function killNode(random: SeededRandom): Promise<void> {
    if (victim === null) await chooseVictim(random);
    if (victim === null) return;
    const { node, ghost } = victim;
    victim = null;
    ghost.leaveBehind();
    note('kill -9 of a node');
    await fleet.kill(node);
    onNodes();
    await pause(random.between(300, Math.min(3_000, times.killEveryMs / 3)));
    await fleet.start(node);
    harmed(engine.onNodeKill);
    onNodes();
  }

  /** Once more when everything else is over: nothing but the lease tells the others then that its sessions are gone. */
  async function killInPeace(random: SeededRandom): Promise<void> {
    if (fleet.nodes.length < 2) return;
    if (victim === null) await chooseVictim(random);
    await until(() => ghosts.at(-1)?.isSeen() === true, { label: 'the ghost', deadlineMs: 8_000 })
      // Judged as nobody's then.
      .catch(() => undefined);
    await killNode(random);
  }

  /** Each once before any of them again. */
  let left: EngineFault[] = [];
  async function breakEngine(random: SeededRandom): Promise<void> {
    if (left.length === 0) left = shuffle(engine.faults, random);
    const fault = left.pop();
    if (fault === undefined) return;
    note(`engine: ${fault.label}`);
    await during(() => fault.run(random));
    harmed(fault.harm);
  }

  async function cutNode(random: SeededRandom): Promise<void> {
    const links = engine.linksOf(random.pick(fleet.nodes).index);
    const forMs = random.between(...times.cutForMs);
    const isCut = random.next() < 0.5;
    note(isCut ? 'a node is cut off from its engine' : 'a node hears nothing of its engine');
    await during(async () => {
      const dialled = links.map((link) => link.connections());
      for (const link of links) {
        if (isCut) link.cut();
        else link.blackHole();
      }
      await pause(forMs);
      for (const link of links) link.heal();
      for (const [index, link] of links.entries()) {
        const perSecond = (link.connections() - (dialled[index] ?? 0)) / (forMs / 1_000);
        dialsPerSecond = Math.max(dialsPerSecond, Math.round(perSecond * 10) / 10);
        if (perSecond > MOST_DIALS_PER_SECOND) {
          problems.push(`a node that was cut off asked for ${perSecond} connections a second`);
        }
      }
    });
  }

  async function jumpClock(random: SeededRandom): Promise<void> {
    const nodes = fleet.live();
    if (nodes.length === 0) return;
    // Five of them ahead stay within the ten minutes for which an engine in the node remembers keys, by this clock.
    const byMs = random.between(1_000, 100_000) * (random.next() < 0.5 ? -1 : 1);
    note(byMs < 0 ? 'a clock jumps back' : 'a clock jumps ahead');
    // A node that is killed at this moment has no clock.
    await fleet.jumpClock(random.pick(nodes), byMs).catch(() => undefined);
  }

  const every = times.killEveryMs;
  const hasServer = engine.faults.length > 0;
  await Promise.all([
    repeat(1, [every * 0.6, every * 1], async (random) => {
      await killNode(random);
      if (!isOver()) await chooseVictim(random);
    }),
    hasServer ? repeat(2, times.engineEveryMs, breakEngine) : undefined,
    hasServer ? repeat(3, times.engineEveryMs, cutNode) : undefined,
    repeat(4, [durationMs / 6, durationMs / 3], jumpClock),
    sleep(durationMs),
  ]);
  await killInPeace(root.fork(5));
  problems.push(...fleet.broken);
  return { counts, outages, ghosts, newEpochs, lossUntilMs, dialsPerSecond, problems };
}

function shuffle<Item>(items: readonly Item[], random: SeededRandom): Item[] {
  return items
    .map((item) => [random.next(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}

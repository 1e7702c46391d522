// What a run of people who come and go should have been seen as, and whether it was: each user comes once and goes once,
// however many tabs it has, in time, and nobody goes who is there. Pure: times come with the calls.

export interface Sighting {
  readonly at: number;
  readonly user: string;
  readonly step: 'came' | 'went';
}

/** What one watcher saw, and when it had no link itself: afterwards it keeps for a while whom a server does not name. */
export interface Witness {
  readonly sightings: readonly Sighting[];
  readonly gaps: readonly { readonly from: number; readonly to: number }[];
}

/** One time that a user was there, from its first tab to its last. */
interface Stay {
  readonly cameAt: number;
  wentAt: number;
  /** By when everybody must know that it went. */
  goneBy: number;
}

export interface PresenceFigures {
  readonly stays: number;
  readonly falseLeaves: number;
  /** Leaves of those who had no link for longer than they may: a machine that is too busy to let them connect. */
  readonly trueAbsences: number;
  /** Of all watchers, ms: how long a coming, a leave and a loss took to be seen. */
  readonly cameMs: string;
  readonly leftMs: string;
  readonly lostMs: string;
  readonly problems: readonly string[];
}

/** A coming must be seen within this, also by a watcher that is on its way to another node, ms. */
const COME_WITHIN_MS = 4_000;
/** What a loss may take, ms: of a link, or with a node. */
export const LOSS_MS = 10_000;
/** How long nobody sees that a user has no link, ms: `leaveAfterMs`, but for what carries it. */
const MOST_AWAY_MS = 4_500;
/** For so long after its own gap a watcher may show somebody who left in it, ms: `leaveAfterMs`, and the way. */
const UNSURE_MS = 6_500;

export interface PresenceTruth {
  /** Its first tab opens. */
  came(user: string, at: number): void;
  /** A tab of it is gone; it may count as there until `goneBy`. */
  tabGone(user: string, goneBy: number): void;
  /** Its last tab is gone. @param isLost without a word */
  went(user: string, at: number, isLost: boolean): void;
  /** It has a link by some tab, or none. */
  linked(user: string, at: number, hasLink: boolean): void;
  /** What a user does, for the words of a problem. */
  note(user: string, act: string): void;
  actsOf(user: string): string;
  /** A node was killed: whom it still held without a link, it holds for its lease. */
  nodeKilled(at: number): void;
  /** Whether it may come again without meeting its own end. */
  mayCome(user: string, at: number): boolean;
  present(): readonly string[];
  judge(watchers: readonly Witness[]): PresenceFigures;
}

export function createPresenceTruth(): PresenceTruth {
  const stays = new Map<string, Stay[]>();
  const lost = new Set<Stay>();
  const acts = new Map<string, readonly string[]>();
  const unlinked = new Map<string, { readonly from: number; to: number }[]>();
  /** It was without any link for longer than it may, and so has truly left. */
  const isAway = (user: string, at: number): boolean =>
    unlinked.get(user)?.some(({ from, to }) => at - from > MOST_AWAY_MS && at - to < 1_000) ===
    true;
  const lastOf = (user: string): Stay | undefined => stays.get(user)?.at(-1);

  const actsOf = (user: string): string => acts.get(user)?.join(', ') ?? '';

  return {
    came(user, at) {
      const stay: Stay = {
        cameAt: at,
        wentAt: Number.POSITIVE_INFINITY,
        goneBy: Number.NEGATIVE_INFINITY,
      };
      const list = stays.get(user);
      if (list === undefined) stays.set(user, [stay]);
      else list.push(stay);
    },
    tabGone(user, goneBy) {
      const stay = lastOf(user);
      if (stay !== undefined) stay.goneBy = Math.max(stay.goneBy, goneBy);
    },
    went(user, at, isLost) {
      const stay = lastOf(user);
      if (stay === undefined) return;
      stay.wentAt = at;
      if (isLost) lost.add(stay);
    },
    linked(user, at, hasLink) {
      const list = unlinked.get(user) ?? [];
      unlinked.set(user, list);
      const last = list.at(-1);
      const isGap = last?.to === Number.POSITIVE_INFINITY;
      if (hasLink && last !== undefined && isGap) last.to = at;
      else if (!hasLink && !isGap) list.push({ from: at, to: Number.POSITIVE_INFINITY });
    },
    note(user, act) {
      const before = acts.get(user) ?? [];
      acts.set(user, [...before.slice(-11), act]);
    },
    actsOf,
    nodeKilled(at) {
      for (const stay of [...stays.values()].flat()) {
        if (stay.goneBy > at) stay.goneBy = Math.max(stay.goneBy, at + LOSS_MS);
      }
    },
    mayCome(user, at) {
      const stay = lastOf(user);
      return stay === undefined || at > stay.goneBy + 1_000;
    },
    present: () =>
      [...stays]
        .flatMap(([user, list]) => (list.at(-1)?.wentAt === Number.POSITIVE_INFINITY ? [user] : []))
        .sort(),
    judge(watchers) {
      const problems: string[] = [];
      const took = { came: [] as number[], left: [] as number[], lost: [] as number[] };
      let falseLeaves = 0;
      let trueAbsences = 0;
      for (const [index, { sightings, gaps }] of watchers.entries()) {
        const isInTime = (at: number, { wentAt, goneBy }: Stay): boolean =>
          at >= wentAt &&
          (at <= goneBy || gaps.some(({ from, to }) => from <= goneBy && at <= to + UNSURE_MS));
        const byUser = Map.groupBy(sightings, ({ user }) => user);
        for (const [user, list] of stays) {
          const seen = byUser.get(user) ?? [];
          let absences = 0;
          for (const { at, step } of seen) {
            if (step === 'came' || list.some((stay) => isInTime(at, stay))) continue;
            if (isAway(user, at)) {
              trueAbsences += 1;
              absences += 1;
              continue;
            }
            const isThere = list.some((stay) => at >= stay.cameAt && at < stay.wentAt);
            if (isThere) falseLeaves += 1;
            const what = isThere ? 'was seen to leave while there' : 'left too late';
            problems.push(
              `watcher ${index}: ${user} ${what}, at ${at | 0}: ${told(list)}; ${story(seen, gaps)}; it did ${actsOf(user)}`,
            );
          }
          const cames = seen.filter(({ step }) => step === 'came');
          // In its own gap a watcher may miss that somebody left and came again.
          const isSure = !gaps.some(({ from }) =>
            list.some(({ goneBy }) => from - 1_000 <= goneBy && goneBy <= from + 30_000),
          );
          if (cames.length !== list.length + absences && isSure) {
            const times = `came ${cames.length} times`;
            problems.push(
              `watcher ${index}: ${user} ${times}: ${told(list)}; ${story(seen, gaps)}; it did ${actsOf(user)}`,
            );
          }
          for (const stay of list) {
            const came = cames.find(({ at }) => at >= stay.cameAt);
            const went = seen.find(({ at, step }) => step === 'went' && at >= stay.wentAt);
            if (came !== undefined) took.came.push(came.at - stay.cameAt);
            if (isSure && (came === undefined || came.at - stay.cameAt > COME_WITHIN_MS))
              problems.push(`watcher ${index}: ${user} came too late: ${told(list)}`);
            if (went !== undefined && went.at <= stay.goneBy)
              took[lost.has(stay) ? 'lost' : 'left'].push(went.at - stay.wentAt);
          }
        }
      }
      return {
        stays: [...stays.values()].reduce((sum, list) => sum + list.length, 0),
        falseLeaves,
        trueAbsences,
        cameMs: spread(took.came),
        leftMs: spread(took.left),
        lostMs: spread(took.lost),
        problems,
      };
    },
  };
}

function story(seen: readonly Sighting[], gaps: Witness['gaps']): string {
  const saw = seen.map(({ at, step }) => `${step} ${at | 0}`).join(', ');
  const own = gaps.map(({ from, to }) => `${from | 0}–${to | 0}`).join(', ');
  return `saw ${saw}; had no link ${own}`;
}

function told(stays: readonly Stay[]): string {
  return stays
    .map(({ cameAt, wentAt, goneBy }) => `${cameAt | 0}–${wentAt | 0} (${goneBy | 0})`)
    .join(', ');
}

/** Median, 99 of a hundred, and the most. */
function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number): number => Math.round(sorted[Math.floor(sorted.length * part)] ?? 0);
  return `${at(0.5)} / ${at(0.99)} / ${Math.round(sorted.at(-1) ?? 0)} of ${sorted.length}`;
}

// Until when each other node is believed to live, by what was heard of it last, and whether every beat of it was heard.
// Pure: time comes with each call. A clock that stood still here (a machine that slept, a loop that was busy) ends
// nobody's lease, nor does a bus that does not carry this node's own beats either. Rules: PRES-7, PRES-9.
//
//   unsure ──all channels named, no beat missed since──▶ sure ──a beat missed──▶ unsure
//     └── asks for all to be named ──┘

/** How long a node lives on after the last that was heard of it, ms: three beats may get lost. */
const LEASE_MS = 8_000;
/** A look that comes later than this was held back here, ms. */
const LATE_MS = 1_000;
/** How long nobody's lease ends then, ms: what came meanwhile still waits to be heard, and the next beat is 2 s away at most. */
const AFTER_LATE_MS = 3_000;
/** Without a beat of its own for so long a node is cut off, and judges nobody, ms: two may get lost. */
const CUT_OFF_AFTER_MS = 5_000;
/** How long it takes the others for alive then, after the last that was heard of them, ms. */
const MOST_MS = 60_000;
/** How long all channels' names are waited for before they are asked for again, ms. */
const ASK_AGAIN_MS = 1_500;

export interface Beat {
  /** One more than the one before. */
  readonly count: number;
  /** With the beats from `first` on it names all of the node's channels, as of its `seq`. */
  readonly whole: { readonly first: number; readonly seq: number } | null;
  readonly channels: Iterable<string>;
}

export interface Judgement {
  /** All channels are to be named: a beat was missed. */
  readonly isAsking: boolean;
  /** What the node has, now that it is known again; null: it is known still, or not yet. */
  readonly named: ReadonlySet<string> | null;
}

interface Lease {
  heardAt: number;
  endsAt: number;
  /** It said that it ends: nothing that comes late makes it live on. */
  isEnding: boolean;
  /** Count of its last beat, and of the first since which none was missed. */
  lastBeat: number;
  firstBeat: number;
  /** The channels that it named since; null while it is sure. */
  named: Set<string> | null;
  askedAt: number;
}

export class Leases {
  readonly #byNode = new Map<string, Lease>();
  #lookedAt: number | null = null;
  /** When the bus last took a beat of this node, and when one last came back: a bus may tell it at home whatever happens. */
  #takenAt = Number.POSITIVE_INFINITY;
  #cameBackAt = Number.POSITIVE_INFINITY;

  get count(): number {
    return this.#byNode.size;
  }

  renew(node: string, now: number): void {
    const lease = this.#byNode.get(node);
    if (lease === undefined) this.#byNode.set(node, newLease(now));
    else {
      lease.heardAt = now;
      if (!lease.isEnding) lease.endsAt = now + LEASE_MS;
    }
  }

  /** A beat of this node's own. */
  wasTaken(now: number): void {
    this.#takenAt = now;
  }

  cameBack(now: number): void {
    this.#cameBackAt = now;
  }

  beat(node: string, { count, whole, channels }: Beat, now: number): Judgement {
    const lease = this.#byNode.get(node) ?? newLease(now);
    this.#byNode.set(node, lease);
    if (count !== lease.lastBeat + 1) {
      lease.firstBeat = count;
      lease.named = new Set();
    }
    lease.lastBeat = count;
    const { named } = lease;
    if (named === null) return KNOWN;
    for (const channel of channels) named.add(channel);
    if (whole !== null && whole.first >= lease.firstBeat) {
      lease.named = null;
      return { isAsking: false, named };
    }
    if (now - lease.askedAt < ASK_AGAIN_MS) return KNOWN;
    lease.askedAt = now;
    return { isAsking: true, named: null };
  }

  endAt(node: string, at: number): void {
    const lease = this.#byNode.get(node);
    if (lease === undefined) return;
    lease.endsAt = Math.min(lease.endsAt, at);
    lease.isEnding = true;
  }

  /** The nodes whose lease is over. */
  tick(now: number): string[] {
    const lateMs = this.#lookedAt === null ? 0 : now - this.#lookedAt;
    this.#lookedAt = now;
    const isCutOff = now - Math.min(this.#takenAt, this.#cameBackAt) > CUT_OFF_AFTER_MS;
    const over: string[] = [];
    for (const [node, lease] of this.#byNode) {
      if (!lease.isEnding) {
        if (lateMs > LATE_MS) lease.endsAt = Math.max(lease.endsAt, now + AFTER_LATE_MS);
        if (isCutOff) lease.endsAt = Math.min(now + LEASE_MS, lease.heardAt + MOST_MS);
      }
      if (lease.endsAt > now) continue;
      this.#byNode.delete(node);
      over.push(node);
    }
    return over;
  }
}

const KNOWN: Judgement = { isAsking: false, named: null };

function newLease(now: number): Lease {
  return {
    heardAt: now,
    endsAt: now + LEASE_MS,
    isEnding: false,
    lastBeat: Number.NEGATIVE_INFINITY,
    firstBeat: Number.NEGATIVE_INFINITY,
    named: null,
    askedAt: Number.NEGATIVE_INFINITY,
  };
}

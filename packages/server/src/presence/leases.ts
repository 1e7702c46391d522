// Until when each other node is believed to live, by what was heard of it last. Pure: time comes with each call.
// A clock that stood still here (a machine that slept, a loop that was busy) ends nobody's lease. Rules: PRES-7, PRES-10.

/** How long a node lives on after the last that was heard of it, ms: two beats may get lost. */
const LEASE_MS = 8_000;
/** A look that comes later than this was held back here, ms. */
const LATE_MS = 1_000;
/** After so many rounds without a word of a channel its node has none such. */
const ROUNDS = 3;

interface Lease {
  endsAt: number;
  /** In how long it names each of its channels. */
  roundMs: number;
  /** It said that it ends: nothing that comes late makes it live on. */
  isEnding: boolean;
}

export class Leases {
  readonly #byNode = new Map<string, Lease>();
  #lookedAt: number | null = null;

  get count(): number {
    return this.#byNode.size;
  }

  renew(node: string, now: number): void {
    const lease = this.#byNode.get(node);
    if (lease === undefined) {
      const endsAt = now + LEASE_MS;
      this.#byNode.set(node, { endsAt, roundMs: Number.POSITIVE_INFINITY, isEnding: false });
    } else if (!lease.isEnding) {
      lease.endsAt = now + LEASE_MS;
    }
  }

  round(node: string, roundMs: number): void {
    const lease = this.#byNode.get(node);
    if (lease !== undefined) lease.roundMs = roundMs;
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
    const over: string[] = [];
    for (const [node, lease] of this.#byNode) {
      // What came meanwhile still waits to be heard.
      if (lateMs > LATE_MS && !lease.isEnding) lease.endsAt = now + LEASE_MS;
      if (lease.endsAt > now) continue;
      this.#byNode.delete(node);
      over.push(node);
    }
    return over;
  }

  /** By node: what it has not named since then it has no more. */
  confirmedSince(now: number): (node: string) => number {
    return (node) => now - (this.#byNode.get(node)?.roundMs ?? Number.POSITIVE_INFINITY) * ROUNDS;
  }
}

// Places for streams among the tabs of one origin: a browser opens six connections per origin over HTTP/1.1,
// so four streams at most leave two for the pages' own requests. A place is a Web Lock: the browser frees it
// when its tab dies. The two links of a tab's hand-over share its place, or with all places taken no tab could
// follow one more channel. Rule: CLI-12.

const SLOTS = 4;

type Release = () => void;

/**
 * For one client: gives a place, or null when all are taken; without locks, or where streams share a
 * connection, always one.
 */
export function createTabSlots(
  locks: LockManager | undefined,
  isUnlimited: () => boolean,
): () => Promise<Release | null> {
  let users = 0;
  let place: Promise<Release | null> | null = null;

  function leave(): void {
    users -= 1;
    if (users > 0) return;
    // Resolved already: whoever leaves has waited for it.
    void place?.then((release) => release?.());
    place = null;
  }

  return async () => {
    if (locks === undefined || isUnlimited()) return () => undefined;
    users += 1;
    place ??= acquire(locks);
    if ((await place) !== null) return leave;
    leave();
    return null;
  };
}

async function acquire(locks: LockManager): Promise<Release | null> {
  for (let slot = 0; slot < SLOTS; slot += 1) {
    const release = await tryLock(locks, `millrace-stream-${slot}`);
    if (release !== null) return release;
  }
  return null;
}

function tryLock(locks: LockManager, name: string): Promise<Release | null> {
  return new Promise((resolve) => {
    locks
      .request(name, { ifAvailable: true }, (lock) => {
        // Held for as long as this promise is pending.
        if (lock !== null) return new Promise<void>(resolve);
        return resolve(null);
      })
      // Where a page may not lock, nothing is counted.
      .catch(() => resolve(() => undefined));
  });
}

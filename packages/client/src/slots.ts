// Places for streams among the tabs of one origin: a browser opens six connections per origin over HTTP/1.1,
// so four streams at most leave two for the pages' own requests. A place is a Web Lock: the browser frees it
// when its tab dies. Rule: CLI-12.

const SLOTS = 4;

/** A place, or null when all are taken; without locks, or where streams share a connection, always one. */
export async function acquireTabSlot(
  locks: LockManager | undefined,
  isUnlimited: boolean,
): Promise<(() => void) | null> {
  if (locks === undefined || isUnlimited) return () => undefined;
  for (let slot = 0; slot < SLOTS; slot += 1) {
    const release = await tryLock(locks, `millrace-stream-${slot}`);
    if (release !== null) return release;
  }
  return null;
}

function tryLock(locks: LockManager, name: string): Promise<(() => void) | null> {
  return new Promise((resolve, reject) => {
    locks
      .request(name, { ifAvailable: true }, (lock) => {
        if (lock === null) {
          resolve(null);
          return undefined;
        }
        // Held for as long as this promise is pending.
        return new Promise<void>((release) => resolve(release));
      })
      .catch(reject);
  });
}

// A pause that can be cut short, and the news that came while nobody paused.

export interface Alarm {
  /** Something came: ends the pause, or keeps the next one from beginning. */
  ring(): void;
  /** Whether it rang since this was last asked. */
  hasRung(): boolean;
  /** Resolves after so long, or when it rings. */
  pause(ms: number): Promise<void>;
  /** As `pause`, whatever rings meanwhile. */
  sleep(ms: number): Promise<void>;
  /** Ends every pause from now on. */
  close(): void;
}

export function createAlarm(): Alarm {
  let isRinging = false;
  let isClosed = false;
  let isDeaf = false;
  let end: () => void = () => undefined;

  function wait(ms: number): Promise<void> {
    if (isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      // Unref: a hub alone keeps no process alive, its server does.
      const timer = setTimeout(resolve, ms).unref();
      end = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  return {
    ring() {
      isRinging = true;
      if (!isDeaf) end();
    },
    hasRung() {
      const hasRung = isRinging;
      isRinging = false;
      return hasRung;
    },
    pause: (ms) => (isRinging ? Promise.resolve() : wait(ms)),
    async sleep(ms) {
      isDeaf = true;
      await wait(ms);
      isDeaf = false;
    },
    close() {
      isClosed = true;
      end();
    },
  };
}

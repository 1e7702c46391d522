// An accurate pulse: beats on a fixed grid of real time, however long each beat's work takes.
//
//   grid   |     |     |     |     |     |
//   work   ███   ████████████████        ███     late beats follow at once, at most MAX_BEHIND of them;
//                                                what is behind further is dropped: a machine that slept
//                                                an hour does not play an hour of market in one burst
//
// Beats never overlap. Refuses to own: what a beat does.

export interface PulseOptions {
  readonly everyMs: number;
  beat(): Promise<void>;
  /** A beat that failed; the pulse goes on. */
  onError(error: unknown): void;
  readonly now?: () => number;
}

export interface Pulse {
  /** Stops, and resolves once the running beat is over. Idempotent. */
  stop(): Promise<void>;
}

export const MAX_BEHIND = 5;

export function startPulse(options: PulseOptions): Pulse {
  const { everyMs, now = () => performance.now() } = options;
  let isStopped = false;
  let dueAt = now() + everyMs;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  const schedule = (): void => {
    if (isStopped) return;
    timer = setTimeout(
      () => {
        running = beat();
      },
      Math.max(0, dueAt - now()),
    );
  };
  const beat = async (): Promise<void> => {
    try {
      await options.beat();
    } catch (error) {
      options.onError(error);
    }
    dueAt = Math.max(dueAt + everyMs, now() - MAX_BEHIND * everyMs);
    schedule();
  };
  schedule();
  return {
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

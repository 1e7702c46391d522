// Gathers agents' messages from whatever brings them, and waits for the ones that a generation made.

import type { AgentMessage } from '@millrace/protocol/channels';

export interface MessageWatch {
  saw(message: AgentMessage): void;
  /** The ids that did not come within the time; empty when all did. Resolves as soon as they have. */
  missing(ids: readonly string[], withinMs: number): Promise<readonly string[]>;
  /** When a message came first, by `performance.now()`. */
  seenAt(id: string): number | undefined;
  /** Came more than once. */
  readonly doubled: readonly string[];
  readonly count: number;
}

export function createMessageWatch(
  onFirst: (message: AgentMessage) => void = () => undefined,
): MessageWatch {
  const seen = new Map<string, number>();
  const doubled: string[] = [];
  let wake: () => void = () => undefined;
  return {
    saw(message) {
      if (seen.has(message.id)) {
        doubled.push(message.id);
        return;
      }
      seen.set(message.id, performance.now());
      onFirst(message);
      wake();
    },
    async missing(ids, withinMs) {
      const rest = (): string[] => ids.filter((id) => !seen.has(id));
      if (rest().length === 0) return [];
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, withinMs);
        wake = () => {
          if (rest().length > 0) return;
          clearTimeout(timer);
          resolve();
        };
      });
      return rest();
    },
    seenAt: (id) => seen.get(id),
    doubled,
    get count() {
      return seen.size;
    },
  };
}

// The end of a tick: what topics took in it leaves in one go, and what one link is told in it leaves in one write.
// Owns only when; what is sent is the topics' and the queues' business. Rules: EVT-2.
//
//   topics took events ──microtask──▶ each sends its frame ──▶ links that gathered several send them
//   a link was told something ─────────────setImmediate─────────▶ it sends what it gathered

import { type MillraceError, toMillraceError } from '@millrace/protocol';

export interface Tick {
  /** Several topics are sending: a link that reads more than one channel gathers. */
  readonly isJoining: boolean;
  /** Calls `flush` with those of all other topics that moved in this tick. */
  moved(topic: Gathering): void;
  /** Calls `flush` at the end of the tick, once for each call. */
  gathered(link: Gathering): void;
}

export interface Gathering {
  flush(): void;
}

export function createTick(onError: (error: MillraceError) => void): Tick {
  let topics: Gathering[] = [];
  let links: Gathering[] = [];
  let isScheduled = false;
  let isJoining = false;

  function flushTopics(): void {
    const moved = topics;
    topics = [];
    isJoining = moved.length > 1;
    for (const topic of moved) flushSafely(topic);
    isJoining = false;
    flushLinks();
  }

  /** One that fails must not keep back what is the others', nor end the process. */
  function flushSafely(one: Gathering): void {
    try {
      one.flush();
    } catch (thrown) {
      onError(toMillraceError(thrown));
    }
  }

  function flushLinks(): void {
    if (links.length === 0) return;
    const gathering = links;
    links = [];
    for (const link of gathering) flushSafely(link);
  }

  return {
    get isJoining() {
      return isJoining;
    },
    moved(topic) {
      if (topics.length === 0) queueMicrotask(flushTopics);
      topics.push(topic);
    },
    gathered(link) {
      links.push(link);
      if (isScheduled || isJoining) return;
      isScheduled = true;
      setImmediate(() => {
        isScheduled = false;
        flushLinks();
      });
    },
  };
}

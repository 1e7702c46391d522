// Events of a simulation in the order of their times; those of one time in the order in which they were added.

export interface EventQueue<Event> {
  add(at: number, event: Event): void;
  /** The earliest; undefined when there is none. */
  take(): { readonly at: number; readonly event: Event } | undefined;
  readonly size: number;
}

interface Entry<Event> {
  readonly at: number;
  readonly order: number;
  readonly event: Event;
}

/** A binary heap: adding and taking cost the logarithm of what is waiting. */
export function createEventQueue<Event>(): EventQueue<Event> {
  const heap: Entry<Event>[] = [];
  let added = 0;

  function isBefore(a: Entry<Event>, b: Entry<Event>): boolean {
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }

  function rise(entry: Entry<Event>): void {
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || isBefore(parent, entry)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = entry;
  }

  function sink(entry: Entry<Event>): void {
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const [a, b] = [heap[left], heap[left + 1]];
      if (a === undefined) break;
      const isRight = b !== undefined && isBefore(b, a);
      const least = isRight ? b : a;
      if (isBefore(entry, least)) break;
      heap[index] = least;
      index = isRight ? left + 1 : left;
    }
    heap[index] = entry;
  }

  return {
    get size() {
      return heap.length;
    },
    add(at, event) {
      added += 1;
      rise({ at, order: added, event });
    },
    take() {
      const [first] = heap;
      const last = heap.pop();
      if (first === undefined || last === undefined) return undefined;
      if (heap.length > 0) sink(last);
      return { at: first.at, event: first.event };
    },
  };
}

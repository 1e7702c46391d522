// The sockets of a peer, and by channel: a set of readers each, and a sample of what they have queued.

const most = 256 * 1_024;

/** On the socket itself: a map beside it would be in the memory that is measured. */
const place = Symbol('place');

interface Placed {
  [place]?: number;
}

/** Some 64 of them a turn: all sockets of these benches get the same, so the others look alike. */
export function createSample<Socket extends object>(
  queuedBytes: (socket: Socket) => number,
): {
  add(socket: Socket): void;
  remove(socket: Socket): void;
  isCongested(): boolean;
} {
  const sockets: (Socket & Placed)[] = [];
  let next = 0;
  return {
    add(socket: Socket & Placed) {
      socket[place] = sockets.length;
      sockets.push(socket);
    },
    remove(socket: Socket & Placed) {
      const last = sockets.pop();
      const its = socket[place];
      if (its === undefined || last === undefined || last === socket) return;
      sockets[its] = last;
      last[place] = its;
    },
    isCongested() {
      for (let looked = 0; looked < Math.min(64, sockets.length); looked += 1) {
        next = (next + 1) % sockets.length;
        const socket = sockets[next];
        if (socket !== undefined && queuedBytes(socket) > most) return true;
      }
      return false;
    },
  };
}

export function createRooms<Reader>(): {
  room(name: string): Set<Reader>;
  readers(name: string): Iterable<Reader>;
} {
  const rooms = new Map<string, Set<Reader>>();
  const none: readonly Reader[] = [];
  return {
    room(name) {
      const known = rooms.get(name);
      if (known !== undefined) return known;
      const made = new Set<Reader>();
      rooms.set(name, made);
      return made;
    },
    readers: (name) => rooms.get(name) ?? none,
  };
}

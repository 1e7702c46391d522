// The people of a presence run: users with one to four tabs each, real clients over the three carriers, that come and go,
// are cut off and are lost; and those of hidden pages, whose timers come once a minute. Owns the clients; what is true
// of them it tells the truth, which judges.

import { type Carrier, type Client, type ClientOptions, createClient } from '@millrace/client';
import { type PresenceEntry, presenceOf } from '@millrace/client/presence';
import { people } from '../nodes/people.ts';
import type { Named } from '../support/named-schema.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import { LOSS_MS, type PresenceTruth } from './presence-truth.ts';

/** What a leave may take. */
const LEAVE_MS = 2_000;
const MOST_TABS = 4;

interface Tab {
  readonly openedAt: number;
  readonly client: Client;
  readonly entry: PresenceEntry<Named>;
  readonly door: number;
}

export interface Crowd {
  /** One thing that somebody does. */
  act(): void;
  /** Tabs of this door whose pages end with their node: nobody hears a word of them. */
  lose(door: number, part: number): void;
  /** They come, and once they are connected their pages are hidden. */
  hide(count: number): Promise<void>;
  readonly tabs: number;
  close(): Promise<void>;
}

export interface CrowdOptions {
  readonly users: number;
  readonly random: SeededRandom;
  readonly truth: PresenceTruth;
  /** Base URLs: the first one's node is never killed. */
  readonly doors: readonly string[];
  now(): number;
}

export function createCrowd({ users, random, truth, doors, now }: CrowdOptions): Crowd {
  const present = new Map<string, Tab[]>();
  const hidden: Client[] = [];
  const room = people.of({ room: 'soak' });
  const carriers: readonly Carrier[] = ['websocket', 'websocket', 'websocket', 'sse', 'poll'];

  function open(user: string, door: number, options: Partial<ClientOptions>): Tab {
    const url = `${doors[door]}/realtime`;
    const client = createClient({ url, token: user, onError: () => undefined, ...options });
    return { openedAt: now(), client, door, entry: presenceOf(client, room).enter({ name: user }) };
  }

  function openTab(user: string): Tab {
    const door = random.between(0, doors.length - 1);
    const carrier = random.pick(carriers);
    truth.note(user, `${now() | 0} open ${carrier} ${door}`);
    const tab = open(user, door, { transports: [carrier] });
    tab.client.status.subscribe(() => {
      const isLinked = (one: Tab): boolean => one.client.status.getSnapshot().status === 'open';
      truth.linked(user, now(), present.get(user)?.some(isLinked) === true);
      truth.note(user, `${now() | 0} ${carrier} ${door} ${tab.client.status.getSnapshot().status}`);
    });
    return tab;
  }

  function endTab(user: string, tab: Tab, isLost: boolean): void {
    // Without a link there is nobody to tell.
    const isTold = !isLost && tab.client.status.getSnapshot().status === 'open';
    const at = now();
    truth.note(user, `${at | 0} end ${tab.door} ${isTold ? 'told' : 'lost'}`);
    truth.tabGone(user, at + (isTold ? LEAVE_MS : LOSS_MS));
    const tabs = (present.get(user) ?? []).filter((one) => one !== tab);
    if (tabs.length > 0) {
      present.set(user, tabs);
    } else {
      present.delete(user);
      truth.went(user, at, !isTold);
    }
    tab.client.close().catch(() => undefined);
  }

  function come(user: string): void {
    if (!truth.mayCome(user, now())) return;
    truth.came(user, now());
    present.set(
      user,
      Array.from({ length: random.between(1, MOST_TABS) }, () => openTab(user)),
    );
  }

  function actOf(user: string, tabs: Tab[]): void {
    const tab = random.pick(tabs);
    const draw = random.next();
    // Who stays for a moment only may be seen or not.
    if (tabs.some(({ openedAt }) => now() - openedAt < 1_000)) return;
    if (draw < 0.3) for (const one of tabs) endTab(user, one, false);
    else if (draw < 0.5) endTab(user, tab, false);
    else if (draw < 0.75 && tabs.length < MOST_TABS) tabs.push(openTab(user));
    else tab.entry.update({ name: `${user} ${Math.round(draw * 1_000)}` });
  }

  return {
    act() {
      const user = `user-${random.between(1, users)}`;
      const tabs = present.get(user);
      if (tabs === undefined) come(user);
      else actOf(user, tabs);
    },
    lose(door, part) {
      for (const [user, tabs] of [...present]) {
        const isLost = random.next() < part;
        for (const tab of [...tabs]) if (isLost && tab.door === door) endTab(user, tab, true);
      }
    },
    async hide(count) {
      const kinds: readonly Carrier[] = ['websocket', 'sse', 'poll'];
      for (let index = 0; index < count; index += 1) {
        const user = `hidden-${index}`;
        truth.came(user, now());
        const kind = kinds[index % kinds.length] ?? 'poll';
        const page = hiddenPage(kind);
        const { client } = open(user, 0, { transports: [kind], environment: page.environment });
        hidden.push(client);
        const stop = client.status.subscribe(() => {
          if (client.status.getSnapshot().status === 'open') setTimeout(page.hide, 3_000);
        });
        setTimeout(stop, 3_000);
      }
    },
    get tabs() {
      return [...present.values()].reduce((sum, tabs) => sum + tabs.length, hidden.length);
    },
    async close() {
      const all = [...present.values()].flat().map(({ client }) => client);
      await Promise.all([...all, ...hidden].map((client) => client.close()));
    },
  };
}

/** A page whose timers come once a minute while it is hidden, and that polls without being held. */
function hiddenPage(kind: Carrier): {
  readonly environment: Exclude<ClientOptions['environment'], undefined>;
  hide(): void;
} {
  let isHidden = false;
  return {
    hide() {
      isHidden = true;
    },
    environment: {
      ...(kind === 'poll' ? { acquireSlot: () => Promise.resolve(null) } : {}),
      setTimer(callback, ms) {
        let timer = setTimeout(() => {
          if (!isHidden) callback();
          else timer = setTimeout(callback, 60_000 - (Date.now() % 60_000));
        }, ms);
        return () => clearTimeout(timer);
      },
    },
  };
}

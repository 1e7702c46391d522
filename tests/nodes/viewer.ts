// A client that watches a room, or is in it, and writes down who came and went.

import { type Client, type ClientOptions, createClient } from '@millrace/client';
import { type PresenceEntry, type PresenceView, presenceOf } from '@millrace/client/presence';
import type { Named } from '../support/named-schema.ts';
import { people } from './people.ts';

export interface Viewer extends AsyncDisposable {
  readonly client: Client;
  view(): PresenceView<Named>;
  ids(): string;
  /** Who came and went, in order. */
  readonly story: readonly string[];
}

export function watchRoom(url: string, room: string, options: Partial<ClientOptions> = {}): Viewer {
  const client = createClient({ url: `${url}/realtime`, onError: () => undefined, ...options });
  const presence = presenceOf(client, people.of({ room }));
  const story: string[] = [];
  let known = new Set<string>();
  presence.subscribe(() => {
    const now = new Set(presence.getSnapshot().members.map(({ id }) => id));
    for (const id of now) if (!known.has(id)) story.push(`+${id}`);
    for (const id of known) if (!now.has(id)) story.push(`-${id}`);
    known = now;
  });
  return {
    client,
    view: presence.getSnapshot,
    ids: () =>
      presence
        .getSnapshot()
        .members.map(({ id }) => id)
        .sort()
        .join(),
    story,
    [Symbol.asyncDispose]: () => client.close(),
  };
}

export interface Person extends AsyncDisposable {
  readonly client: Client;
  readonly entry: PresenceEntry<Named>;
}

/** One tab of a user. */
export function enterRoom(
  url: string,
  room: string,
  user: string,
  name: string = user,
  options: Partial<ClientOptions> = {},
): Person {
  const client = createClient({
    url: `${url}/realtime`,
    token: user,
    onError: () => undefined,
    ...options,
  });
  const entry = presenceOf(client, people.of({ room })).enter({ name });
  return { client, entry, [Symbol.asyncDispose]: () => client.close() };
}

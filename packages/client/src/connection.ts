// The shell of the connection machine: feeds it events one at a time and makes the world agree with its state
// (links, timers, effects). Decides nothing. Frames go through the same queue, so that a frame never overtakes
// the `hello` before it, nor enters a callback that still runs (CLI-7).

import { initialConnection, stepConnection } from './connection-machine.ts';
import { currentLink, linksOf, timersOf } from './connection-needs.ts';
import type {
  Connection,
  ConnectionConfig,
  ConnectionEffect,
  ConnectionEvent,
  LinkRef,
  Remembered,
} from './connection-types.ts';
import type { Environment } from './environment.ts';
import type { CarriedFrame, Link, LinkEvents } from './link.ts';

/** All that concerns neither the link nor the connection. */
export type ChannelFrame = Exclude<CarriedFrame, { readonly type: 'goaway' }>;

export interface ConnectionHost {
  readonly config: ConnectionConfig;
  readonly environment: Environment;
  readonly remembered: Remembered | null;
  openLink(ref: LinkRef, events: LinkEvents): Link;
  /** A frame of the current link. */
  frame(frame: ChannelFrame, link: Link): void;
  /** After each step and each frame. */
  changed(connection: Connection, link: Link | null): void;
  /** The server's clock at a link's `hello`. */
  helloAt(serverAt: number): void;
  remember(remembered: Remembered): void;
  forgetToken(): void;
}

export interface ConnectionShell {
  feed(event: ConnectionEvent): void;
  /** Runs a task in the same queue: never inside a callback that a frame brought. */
  run(task: () => void): void;
  /** The link whose frames count; null while none is open. */
  link(): Link | null;
}

export function createConnection(host: ConnectionHost): ConnectionShell {
  const { environment, config, remembered } = host;
  const links = new Map<number, Link>();
  const tasks: (() => void)[] = [];
  let isRunning = false;
  let newestLink = 0;
  let cancelTimer = (): void => undefined;
  let connection = initialConnection({ remembered, isOnline: environment.isOnline() });

  function current(): Link | null {
    return links.get(currentLink(connection.state)?.number ?? 0) ?? null;
  }

  function run(task: () => void): void {
    tasks.push(task);
    if (isRunning) return;
    isRunning = true;
    try {
      for (let next = tasks.shift(); next !== undefined; next = tasks.shift()) {
        next();
        host.changed(connection, current());
      }
    } finally {
      isRunning = false;
    }
  }

  function step(event: ConnectionEvent): void {
    const now = environment.now();
    const moment = { now, jitter: environment.random(), roundTripMs: environment.roundTripMs() };
    const next = stepConnection(connection, event, moment, config);
    connection = next.connection;
    keepLinks();
    armTimer(now);
    next.effects.forEach(runEffect);
  }

  function keepLinks(): void {
    const wanted = linksOf(connection.state);
    for (const [number, link] of links) {
      if (wanted.some((ref) => ref.number === number)) continue;
      links.delete(number);
      link.close();
    }
    for (const ref of wanted) {
      // Numbers only rise: one that was opened before has ended since, and is not opened again.
      if (ref.number <= newestLink) continue;
      newestLink = ref.number;
      links.set(ref.number, host.openLink(ref, eventsOf(ref)));
    }
  }

  function eventsOf({ number: link }: LinkRef): LinkEvents {
    return {
      hello: (tookMs, serverAt) =>
        run(() => {
          if (links.has(link)) host.helloAt(serverAt);
          step({ type: 'hello', link, tookMs });
        }),
      failed: (error) =>
        run(() => {
          links.delete(link);
          step({ type: 'failed', link, error });
        }),
      frame: (frame) =>
        run(() => {
          const open = current();
          if (frame.type === 'goaway') step({ ...frame, link });
          else if (open?.ref.number === link) host.frame(frame, open);
        }),
    };
  }

  /** For the first need alone: when it is met, the next step arms the next one. */
  function armTimer(now: number): void {
    cancelTimer();
    const [first] = [...timersOf(connection)].sort((a, b) => a.at - b.at);
    if (first === undefined) return;
    const { timer, at } = first;
    cancelTimer = environment.setTimer(
      () => run(() => step({ type: 'due', timer })),
      Math.max(0, at - now),
    );
  }

  function runEffect(effect: ConnectionEffect): void {
    switch (effect.type) {
      case 'remember':
        return host.remember(effect.remembered);
      case 'forget-token':
        return host.forgetToken();
      case 'probe':
        if (links.get(effect.link)?.isDoubtfulAfterWake()) run(() => step({ type: 'renew' }));
        return undefined;
    }
  }

  return { feed: (event) => run(() => step(event)), run, link: current };
}
